"""What a person answered before, as planning finds it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from schemas.classified import ResponseClassified
from schemas.event import Effects
from tests.integration.router.world import EPOCH, World, answer, profile

DAY = timedelta(days=1)


def _facts(world: World) -> dict[str, Any]:
    return dict(world.ask("SELECT subject, facts FROM plans"))


def _said(world: World, event: ResponseClassified) -> dict[str, Any]:
    world.say(event)
    facts: dict[str, Any] = _facts(world)[f"response:{event.response.response_id}"]
    return facts


def test_a_first_answer_has_no_previous_one(world: World) -> None:
    facts = _said(world, answer(9, responded_at=EPOCH))
    assert "previous" not in facts
    assert facts["response"]["movement"] == "first"
    assert "crossed" not in facts["response"]


def test_the_next_answer_knows_the_previous_and_what_it_crossed(world: World) -> None:
    _said(world, answer(9, responded_at=EPOCH))
    _said(world, answer(8, effects=Effects.RECORD, responded_at=EPOCH + 90 * DAY))
    facts = _said(world, answer(3, responded_at=EPOCH + 180 * DAY))

    assert (facts["previous"]["score"], facts["previous"]["group"]) == (8, "passive")
    assert [score["score"] for score in facts["earlier"]] == [8, 9]
    assert (facts["response"]["movement"], facts["response"]["crossed"]) == ("down", "to_detractor")


def test_two_answers_of_one_batch_see_each_other_and_other_people_do_not(world: World) -> None:
    first, second, other = uuid4(), uuid4(), uuid4()
    world.say(
        answer(9, of=first, responded_at=EPOCH),
        answer(2, of=other, person="bob", responded_at=EPOCH + DAY),
        answer(3, of=second, responded_at=EPOCH + DAY),
    )
    facts = _facts(world)
    assert facts[f"response:{second}"]["previous"]["score"] == 9
    assert "previous" not in facts[f"response:{other}"]


def test_an_answer_that_arrives_late_does_not_become_the_previous_of_an_earlier_one(world: World) -> None:
    _said(world, answer(9, responded_at=EPOCH + 10 * DAY))
    assert _said(world, answer(2, responded_at=EPOCH))["response"]["movement"] == "first"


def test_an_edited_score_is_the_previous_of_the_next_answer_and_a_retracted_one_is_not(world: World) -> None:
    first, second = uuid4(), uuid4()
    _said(world, answer(2, of=first, responded_at=EPOCH))
    _said(world, answer(10, of=first, revision=2, responded_at=EPOCH))
    assert _said(world, answer(9, of=second, responded_at=EPOCH + 5 * DAY))["previous"]["score"] == 10
    _said(world, answer(9, of=second, revision=2, retracted=True, responded_at=EPOCH + 5 * DAY))
    assert _said(world, answer(7, responded_at=EPOCH + 6 * DAY))["previous"]["score"] == 10


def test_what_does_not_count_is_no_previous_answer(world: World) -> None:
    _said(world, answer(2, test=True, responded_at=EPOCH))
    _said(world, answer(3, provisional=True, responded_at=EPOCH + 1 * DAY))
    assert _said(world, answer(9, responded_at=EPOCH + 2 * DAY))["response"]["movement"] == "first"


def test_merged_people_have_one_history_whichever_key_an_answer_names(world: World) -> None:
    _said(world, answer(9, person="old", responded_at=EPOCH))
    _said(world, answer(8, person="winner", responded_at=EPOCH + 1 * DAY))
    world.project(
        profile("old", 2, merged_into="middle"), profile("middle", 2, merged_into="winner"), profile("winner")
    )
    by_loser = _said(world, answer(5, person="middle", responded_at=EPOCH + 2 * DAY))
    by_winner = _said(world, answer(4, person="winner", responded_at=EPOCH + 3 * DAY))

    assert [score["score"] for score in by_loser["earlier"]] == [8, 9]
    assert [score["score"] for score in by_winner["earlier"]] == [5, 8, 9]


def test_merged_people_are_one_person_within_a_batch(world: World) -> None:
    world.project(profile("old", 2, merged_into="winner"), profile("winner"))
    second = uuid4()
    world.say(
        answer(9, person="old", responded_at=EPOCH),
        answer(3, of=second, person="winner", responded_at=EPOCH + DAY),
    )
    assert _facts(world)[f"response:{second}"]["previous"]["score"] == 9
