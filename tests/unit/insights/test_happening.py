"""What events add to a customer's history."""

from datetime import UTC, datetime
from uuid import uuid4

from schemas.lifecycle import LifecycleEventOccurred, Moment
from schemas.outcomes import OutcomeKind, OutcomeRecorded, PlannedEffect
from schemas.responses import Order
from services.insights.happening import Kind, happenings

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_each_thing_that_is_planned_is_a_line_of_its_own() -> None:
    effects = tuple(
        PlannedEffect(effect_id=uuid4(), rule="unhappy", action=name, destination=name)
        for name in ("slack", "email")
    )
    event = OutcomeRecorded(
        outcome_id=uuid4(),
        kind=OutcomeKind.PLANNED,
        occurred_at=NOW,
        person_key="ann",
        subject="response:1",
        planned=effects,
    )
    told = list(happenings(event))
    assert [(one.kind, one.person, one.facts["destination"]) for one in told] == [
        (Kind.PLANNED, "ann", "slack"),
        (Kind.PLANNED, "ann", "email"),
    ]


def test_a_moment_that_is_retracted_keeps_its_place_in_the_order() -> None:
    moment = LifecycleEventOccurred(
        lifecycle_id=uuid4(),
        source="crm",
        source_id="1",
        order=Order(revision=2, tie=0),
        moment=Moment.PURCHASED,
        occurred_at=NOW,
        received_at=NOW,
        account_id="acme",
        retracted=True,
    )
    (told,) = happenings(moment)
    assert (told.is_retracted, told.order_key, told.person) == (True, (2, 0, 1), None)
