from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.slack_checks import check_blocks, check_text
from services.router import slack_card
from services.router.facts import AccountFacts, Facts, ProfileFacts, ResponseFacts

LINKS = [slack_card.Link("Open the account in Salesforce", f"https://crm.test/{'a' * 400}")] * 5


def response(**more: Any) -> ResponseFacts:  # noqa: ANN401 - any field of the facts
    now = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    given = {"id": UUID(int=1), "revision": 1, "source": "hosted", "metric": "nps", "score": 3}
    times = {"responded_at": now, "received_at": now}
    return ResponseFacts.model_validate({**given, "group": "detractor", **times, **more})


def facts(answer: ResponseFacts, text: str = "x") -> Facts:
    return Facts(
        response=answer,
        profile=ProfileFacts(key="k", name=text, role=text, segment=text),
        account=AccountFacts(
            id="a", name=text, arr=120_000, currency="EUR", renewal_date=date(2027, 3, 1), csm_email=text
        ),
    )


@given(st.text(min_size=1, max_size=20_000), st.text(min_size=1, max_size=256))
@settings(max_examples=60, deadline=None)
def test_slack_takes_the_card_of_any_answer(comment: str, name: str) -> None:
    answer = response(comment=comment, themes=[name] * 30, sentiment="negative", urgency="high")
    about = facts(answer, name)

    check_blocks(slack_card.card(about, answer, LINKS))
    check_text(slack_card.fallback_text(about, answer))


@pytest.mark.parametrize("letter", ["x", "<", "&", '"', "\\", "\n.", "ü", "😀", "\x00", "\x1b"])
def test_slack_takes_the_longest_comment_in_any_script(letter: str) -> None:
    answer = response(comment=letter * 20_000, themes=[letter * 64] * 30)
    about = facts(answer, letter * 256)

    check_blocks(slack_card.card(about, answer, LINKS))


def test_a_cut_comment_says_that_it_is_cut() -> None:
    answer = response(comment="word " * 4_000)

    (quote,) = [block for block in slack_card.card(facts(answer), answer, []) if "rich_text" in str(block)]

    assert "…" in str(quote)


def test_the_channel_sees_the_masked_comment_where_there_is_one() -> None:
    answer = response(comment="Call me: 0151 2345", masked_comment="Call me: [phone]")
    about = facts(answer)

    shown = str(slack_card.card(about, answer, [])) + slack_card.fallback_text(about, answer)

    assert "[phone]" in shown
    assert "0151" not in shown


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "Detractor: 3 of 10 (NPS)"),
        ({"score": 8, "group": "passive"}, "Passive: 8 of 10 (NPS)"),
        ({"metric": "csat", "score": 5, "group": "positive"}, "Positive: 5 of 5 (CSAT)"),
        ({"metric": "ces", "score": 1, "group": "negative"}, "Negative: 1 of 7 (CES)"),
        ({"score": None, "group": None}, "Comment without a score (NPS)"),
    ],
)
def test_score_and_group_are_said_in_words(more: dict[str, Any], words: str) -> None:
    assert slack_card.headline(response(**more)) == words


def test_what_is_not_known_takes_no_room() -> None:
    answer = response(comment=None)
    about = Facts(response=answer, profile=ProfileFacts(key="k"))

    shown = str(slack_card.card(about, answer, []))

    assert "No comment." in shown
    assert "None" not in shown
    assert "Account" not in shown
