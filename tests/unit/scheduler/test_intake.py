"""Sorting out a batch of events."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from schemas.lifecycle import LifecycleEventOccurred, Moment
from schemas.profiles import ProfileChanged
from schemas.responses import Order, ResponseRecorded, ResponseStatus
from schemas.scales import Metric
from services.scheduler.intake import Erased, Merge, address_mark, counts_as_contact, plans, sort_out
from services.scheduler.programs import Programs

AT = datetime(2026, 3, 1, tzinfo=UTC)
SURVEY = {"question": "How likely?", "follow_up_question": "Why?", "why_we_ask": "You bought."}
PROGRAMS = Programs.model_validate(
    {
        "programs": [
            {
                "id": name,
                "owner": "Customer Success",
                "goal": "Learn.",
                "metric": "nps",
                "trigger": {"lifecycle": moment, "delay_days": delay_days},
                "channels": ["email"],
                "survey": SURVEY,
            }
            for name, moment, delay_days in (
                ("after_purchase", "purchased", 30),
                ("after_churn", "churned", 0),
            )
        ]
    }
)


def happened(
    revision: int = 1, *, moment: Moment = Moment.PURCHASED, retracted: bool = False, person: str | None = "p"
) -> LifecycleEventOccurred:
    return LifecycleEventOccurred(
        lifecycle_id=UUID(int=1),
        source="shop",
        source_id="1",
        order=Order(revision=revision, tie=0),
        moment=moment,
        occurred_at=AT,
        received_at=AT,
        person_key=person,
        account_id="acme",
        retracted=retracted,
    )


def answer(**changed: object) -> ResponseRecorded:
    base = {
        "response_id": UUID(int=2),
        "person_key": "p",
        "source": "vendor",
        "source_id": "2",
        "order": Order(revision=1, tie=0),
        "metric": Metric.NPS,
        "score": 9,
        "responded_at": AT,
        "received_at": AT,
    }
    return ResponseRecorded.model_validate(base | changed)


def profile(version: int, **changed: object) -> ProfileChanged:
    base = {"person_key": "p", "version": version, "changed_at": AT, "email": "p@shop.test"}
    return ProfileChanged.model_validate(base | changed)


def test_the_highest_order_wins_wherever_it_stands_in_the_batch() -> None:
    late = sort_out([(happened(2, retracted=True), None), (happened(1), None)])
    assert late.lifecycle[UUID(int=1)][0].retracted
    assert sort_out([(profile(3), None), (profile(2), None)]).profiles["p"].version == 3


def test_a_tombstone_takes_the_profile_before_it_along() -> None:
    batch = sort_out([(profile(1), None), (Erased("p", AT), None)])
    assert not batch.profiles
    assert batch.erased["p"].erased_at == AT


def test_people_of_merges_are_locked_too_and_in_order() -> None:
    batch = sort_out([(profile(2, merged_from=("z", "a")), None), (happened(person="m"), None)])
    assert batch.people() == ["a", "m", "p", "z"]
    assert batch.merges() == [Merge("z", "p"), Merge("a", "p")]
    assert sort_out([(profile(9, merged_into="w"), None)]).merges() == [Merge("p", "w")]


def test_a_lifecycle_event_is_planned_by_the_programs_that_wait_for_it() -> None:
    (planned,) = plans(happened(), PROGRAMS)
    assert planned.program == "after_purchase"
    assert planned.due_at == datetime(2026, 3, 31, tzinfo=UTC)
    assert [plan.program for plan in plans(happened(moment=Moment.CHURNED), PROGRAMS)] == ["after_churn"]


@pytest.mark.parametrize(
    "event",
    [
        lambda: happened(retracted=True),
        lambda: happened(person=None),
        lambda: happened(moment=Moment.TRIAL_STARTED),
    ],
    ids=["retracted", "of an account", "nobody waits for it"],
)
def test_nothing_is_planned(event: Callable[[], LifecycleEventOccurred]) -> None:
    assert plans(event(), PROGRAMS) == []


@pytest.mark.parametrize(
    ("changed", "counts"),
    [
        ({}, True),
        ({"effects": "record"}, True),
        ({"status": ResponseStatus.RETRACTED}, False),
        ({"test": True}, False),
        ({"request_id": UUID(int=7)}, False),
    ],
    ids=["vendor's", "imported", "retracted", "test", "to our own request"],
)
def test_which_answers_run_the_fatigue_clock(changed: dict[str, object], counts: bool) -> None:
    assert counts_as_contact(answer(**changed)) is counts


def test_an_address_is_told_from_another_without_being_kept() -> None:
    mark = address_mark("Ann@Shop.test ")
    assert mark == address_mark("ann@shop.test")
    assert mark != address_mark("bob@shop.test")
    assert mark is not None
    assert "ann" not in mark
    assert address_mark(None) is None
