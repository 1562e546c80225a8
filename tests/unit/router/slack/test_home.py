from typing import Any

from sandbox.slack_checks import check_view
from services.router.follow_up import State
from services.router.slack import home
from services.router.slack.content import Content
from services.router.slack.home import Row
from tests.unit.router.slack.test_follow_up_part import view


def row(state: State = State.CLAIMED, text: str = "Detractor: 2 of 10 (NPS), Mira: “&lt;!here&gt;”") -> Row:
    return Row(view(state), Content(channel="cs", text=text), "https://acme.slack.test/archives/C1/p1")


def texts(shown: Any) -> list[str]:  # noqa: ANN401 - a view's JSON
    return [block["text"]["text"] for block in shown["blocks"] if "text" in block]


def test_both_lists_are_shown_with_what_is_due_and_what_can_be_done() -> None:
    shown = home.home([row()], [row(State.OPEN), row(State.CONTACTED)])

    check_view(shown, "home")
    assert [text for text in texts(shown) if "(" in text[-4:]] == ["Mine (1)", "My team's (2)"]
    assert "*Detractor: 2 of 10 (NPS), Mira: “&lt;!here&gt;”*\nClaimed by" in texts(shown)[1]
    assert '"claim"' in str(shown).replace("'", '"')
    assert "https://acme.slack.test/archives/C1/p1" in str(shown)


def test_whoever_has_nothing_to_do_is_told_so() -> None:
    shown = home.home([], [])

    check_view(shown, "home")
    assert "Nothing is waiting for you." in str(shown)


def test_slack_takes_more_than_can_be_shown_with_long_words() -> None:
    rows = [row(text="*" + "word " * 2_000)] * 40

    shown = home.home(rows, rows)

    check_view(shown, "home")
    assert "Mine (15+)" in texts(shown)
    assert all(len(text) < 500 for text in texts(shown))


def test_a_cards_address_is_the_one_slack_copies() -> None:
    link = home.permalink("https://acme.slack.com/", "C012AB3CD/1763640000.000123")

    assert link == "https://acme.slack.com/archives/C012AB3CD/p1763640000000123"
