"""Sorting out a batch of events."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from schemas.accounts import AccountChanged
from schemas.lifecycle import LifecycleEventOccurred, Moment
from schemas.outcomes import OutcomeKind, OutcomeRecorded
from schemas.profiles import ProfileChanged, ProfileErased
from schemas.responses import Order, ResponseRecorded, ResponseStatus
from schemas.scales import Metric
from services.scheduler.intake import Merge, address_mark, counts_as_contact, sort_out

AT = datetime(2026, 3, 1, tzinfo=UTC)


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


def account(version: int) -> AccountChanged:
    return AccountChanged(account_id="globex", version=version, changed_at=AT)


def test_the_highest_order_wins_wherever_it_stands_in_the_batch() -> None:
    late = sort_out([(happened(2, retracted=True), None), (happened(1), None)])
    assert late.happened[UUID(int=1)].retracted
    assert sort_out([(profile(3), None), (profile(2), None)]).profiles["p"].version == 3


def test_a_tombstone_takes_the_profile_before_it_along() -> None:
    batch = sort_out([(profile(1), None), (ProfileErased("p", AT), None)])
    assert not batch.profiles
    assert batch.erased["p"].erased_at == AT


def test_people_of_merges_are_concerned_too() -> None:
    batch = sort_out([(profile(2, merged_from=("z", "a")), None), (happened(person="m"), None)])
    assert batch.people() == {"a", "m", "p", "z"}
    assert batch.merges() == [Merge("z", "p"), Merge("a", "p")]
    assert sort_out([(profile(9, merged_into="w"), None)]).merges() == [Merge("p", "w")]


def outcome(kind: OutcomeKind, hours: int) -> OutcomeRecorded:
    return OutcomeRecorded(
        outcome_id=UUID(int=hours),
        kind=kind,
        occurred_at=AT + timedelta(hours=hours),
        person_key="p",
        subject="response:1",
    )


def test_a_follow_up_that_is_opened_again_was_not_resolved() -> None:
    resolved, reopened = outcome(OutcomeKind.RESOLVED, 1), outcome(OutcomeKind.REOPENED, 2)
    (event,) = sort_out([(reopened, None), (resolved, None)]).happened.values()
    assert event.retracted
    (event,) = sort_out([(resolved, None), (outcome(OutcomeKind.CLAIMED, 3), None)]).happened.values()
    assert (event.moment, event.retracted) == ("follow_up_resolved", False)


def test_an_accounts_event_concerns_everybody_there_and_a_release_everybody() -> None:
    batch = sort_out([(happened(person=None), None), (account(2), None), (account(1), None)])
    assert batch.changed_accounts() == {"acme", "globex"}
    assert batch.accounts["globex"].version == 2
    assert not batch.is_about_everybody()
    release = happened(moment=Moment.RELEASE_LAUNCHED, person=None).model_copy(update={"account_id": None})
    assert sort_out([(release, None)]).is_about_everybody()
    assert sort_out([(happened(), None)]).changed_accounts() == set()


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
