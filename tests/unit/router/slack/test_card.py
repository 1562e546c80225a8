from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.slack_checks import check_blocks, check_text
from schemas.scales import Metric
from services.router.facts import AccountFacts, Facts, PreviousFacts, ProfileFacts, ResponseFacts
from services.router.movement import Score
from services.router.slack import card as slack_card


def response(**more: Any) -> ResponseFacts:  # noqa: ANN401 - any field of the facts
    now = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    given = {"id": UUID(int=1), "revision": 1, "source": "hosted", "metric": "nps", "score": 3}
    times = {"responded_at": now, "received_at": now}
    return ResponseFacts.model_validate({**given, "group": "detractor", **times, **more})


def facts(answer: ResponseFacts, text: str = "x") -> Facts:
    return Facts(
        response=answer,
        profile=ProfileFacts(key="k", name=text, role=text, segment=text, email=text, phone=text),
        account=AccountFacts(
            id="a", name=text, arr=120_000, currency="EUR", renewal_date=date(2027, 3, 1), csm_email=text
        ),
    )


@given(st.text(min_size=1, max_size=20_000), st.text(min_size=1, max_size=256))
@settings(max_examples=60, deadline=None)
def test_slack_takes_the_card_of_any_answer(comment: str, name: str) -> None:
    answer = response(comment=comment, themes=[name] * 30, sentiment="negative", urgency="high")
    about = facts(answer, name)

    check_blocks(slack_card.card(about, answer))
    check_text(slack_card.fallback_text(about, answer))


@pytest.mark.parametrize("letter", ["x", "<", "&", '"', "\\", "\n.", "ü", "😀", "\x00", "\x1b"])
def test_slack_takes_the_longest_comment_in_any_script(letter: str) -> None:
    answer = response(comment=letter * 20_000, themes=[letter * 64] * 30)
    about = facts(answer, letter * 256)

    check_blocks(slack_card.card(about, answer))


def test_a_cut_comment_says_that_it_is_cut() -> None:
    answer = response(comment="word " * 4_000)

    (quote,) = [block for block in slack_card.card(facts(answer), answer) if "rich_text" in str(block)]

    assert "…" in str(quote)


def test_the_channel_sees_the_masked_comment_where_there_is_one() -> None:
    answer = response(comment="Call me: 0151 2345", masked_comment="Call me: [phone]")
    about = facts(answer)

    shown = str(slack_card.card(about, answer)) + slack_card.fallback_text(about, answer)

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


def test_a_role_is_said_in_words() -> None:
    answer = response()
    named = ProfileFacts(key="k", name="Mira", role="end_user")
    assert "Mira (end user)" in str(slack_card.card(Facts(response=answer, profile=named), answer))
    unnamed = ProfileFacts(key="k", role="end_user")
    assert "*Customer*\\nend user" in str(slack_card.card(Facts(response=answer, profile=unnamed), answer))


def test_names_of_our_files_are_said_in_words() -> None:
    answer = response(themes=("missing_features", "ease_of_use"), program="new_customer_nps")
    customer = ProfileFacts(key="k", segment="mid_market")
    shown = str(slack_card.card(Facts(response=answer, profile=customer), answer))
    for words in ("missing features, ease of use", "mid market", "hosted, new customer nps"):
        assert words in shown
    assert "_market" not in shown


def test_what_is_not_known_takes_no_room() -> None:
    answer = response(comment=None)
    about = Facts(response=answer, profile=ProfileFacts(key="k"))

    shown = str(slack_card.card(about, answer))

    assert "No comment." in shown
    assert "None" not in shown
    assert "Account" not in shown


def test_phone_and_address_can_be_clicked_and_whatever_else_stands_there_cannot() -> None:
    answer = response()
    profile = ProfileFacts(key="k", email="mira@shop.test", phone="+49 (0) 151-234 56")
    shown = str(slack_card.card(Facts(response=answer, profile=profile), answer))
    odd = ProfileFacts(key="k", email="a|b>@shop.test", phone="0900 <!channel>")
    words = str(slack_card.card(Facts(response=answer, profile=odd), answer))

    assert "<mailto:mira@shop.test|mira@shop.test>" in shown
    assert "<tel:+49015123456|+49 (0) 151-234 56>" in shown
    assert "a|b&gt;@shop.test" in words
    assert "0900 &lt;!channel&gt;" in words


def test_what_the_person_said_before_stands_below_with_its_dates() -> None:
    when = datetime(2026, 3, 3, tzinfo=UTC)
    before = PreviousFacts.model_validate({"score": 9, "group": "promoter", "responded_at": when})
    answer = response(movement="down")
    about = facts(answer).model_copy(update={"earlier": (before,)})

    assert "Before: 🟢 9 on 3 Mar 2026 — down" in str(slack_card.card(about, answer))
    first = response(movement="first")
    assert "First answer" in str(slack_card.card(facts(first), first))


@pytest.mark.parametrize(
    ("by_now", "shown"),
    [
        ([(9, 3), (2, 1)], "Before: 🟢 9 on 3 Mar 2026, 🔴 2 on 1 Mar 2026 — down"),
        ([(9, 3)], "Before: 🟢 9 on 3 Mar 2026'"),
        ([(2, 1)], "Before: 🔴 2 on 1 Mar 2026'"),
        ([], None),
    ],
)
def test_a_card_sent_later_shows_what_counts_by_then(
    by_now: list[tuple[int, int]], shown: str | None
) -> None:
    def scored(score: int, day: int) -> Score:
        return Score(f"response:{day}", Metric.NPS, score, datetime(2026, 3, day, tzinfo=UTC))

    before = tuple(
        PreviousFacts(score=one.score, group=one.group, responded_at=one.responded_at)
        for one in (scored(9, 3), scored(2, 1))
    )
    answer = response(movement="down")
    planned = slack_card.card(facts(answer).model_copy(update={"earlier": before}), answer)

    said = str(slack_card.by_now(planned, [scored(*one) for one in by_now]))

    assert "Answered " in said
    assert ("Before:" in said) is (shown is not None)
    assert shown is None or shown in said


def test_the_surveys_further_answers_stand_below_the_comment_masked_and_cut() -> None:
    asked = [
        {"question": "What did you miss?", "answer": "Call 0151 2345", "masked_answer": "Call [phone]"},
        {"question": "<!channel>", "answer": "word " * 4_000},
        {"question": "Anything else?", "answer": "\x00"},
        {"question": "One too many?", "answer": "yes"},
    ]
    answer = response(comment="x" * 20_000, further_answers=asked)

    blocks = slack_card.card(facts(answer), answer)

    check_blocks(blocks)
    shown = [block for block in blocks if isinstance(block, dict) and block["type"] == "rich_text"][1:]
    assert len(shown) == 3
    assert ("What did you miss?" in str(shown[0]), "Call [phone]" in str(shown[0])) == (True, True)
    assert "0151" not in str(blocks)
    assert "…" in str(shown[1])
    assert "(no words)" in str(shown[2])
