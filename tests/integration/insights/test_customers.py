"""A customer's history: whatever order events come in, and as people read it."""

from collections.abc import Sequence
from itertools import permutations
from uuid import uuid5

import pytest

from schemas.classified import ResponseClassified
from schemas.event import NAMESPACE
from schemas.lifecycle import LifecycleEventOccurred, Moment
from schemas.outcomes import OutcomeKind, PlannedEffect
from schemas.profiles import ProfileErased
from schemas.responses import Order
from schemas.survey_events import SurveyStep
from services.insights import customers
from services.insights.intake import Published
from services.insights.web.timeline import timeline
from tests.integration.insights.site import served, visitor
from tests.integration.insights.world import (
    EPOCH,
    World,
    account,
    answer_id,
    answered,
    hour,
    outcome,
    profile,
    requested,
    sent,
)


def at(hours: float) -> int:
    """Milliseconds since 1970, as revisions say when they were received."""
    return int((EPOCH.timestamp() + hours * 3600) * 1000)


def changed(
    person: str, revision: int, score: int, at_hour: float, comment: str | None = None
) -> ResponseClassified:
    order = Order(revision=revision, tie=at(at_hour))
    return answered(person, 1, score, order=order, comment=comment)


def moment(what: Moment, at_hour: float, **facts: object) -> LifecycleEventOccurred:
    return LifecycleEventOccurred.model_validate(
        {
            "lifecycle_id": uuid5(NAMESPACE, f"{what} {at_hour}"),
            "source": "crm",
            "source_id": f"{what} {at_hour}",
            "order": Order(revision=1, tie=0),
            "moment": what,
            "occurred_at": hour(at_hour),
            "received_at": hour(at_hour),
            **facts,
        }
    )


def told(world: World, *persons: str, account_id: str | None = None) -> list[str]:
    with world.pool.connection() as connection:
        lines = timeline(customers.history(connection, persons, account_id))
    return [f"{line.what} ({line.why})" if line.why else line.what for line in lines]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_an_answer_said_before_is_kept_in_whatever_order_it_comes(
    world: World, order: Sequence[int]
) -> None:
    events = [changed("ann", 1, 3, 1), changed("ann", 2, 3, 2, "Slow."), changed("ann", 3, 8, 3, "Slow.")]
    for index in order:
        world.say(events[index])
    expected = ["Changed an answer from 3 to 8", "Said more", "Answered NPS: 8 (first answer)"]
    assert told(world, "ann") == expected
    world.forget()
    world.say(*(events[index] for index in order))
    assert told(world, "ann") == expected


def a_life() -> list[Published]:
    effect = PlannedEffect(
        effect_id=uuid5(NAMESPACE, "card"), rule="unhappy_customer", action="card", destination="slack"
    )
    return [
        account("acme", 0, name="Acme", owner_email="olga@ours.test", arr=12_000.0, currency="EUR"),
        profile("ann", 0, name="Ann Lee", account_id="acme"),
        moment(Moment.PURCHASED, 1, person_key="ann", context={"product": "router"}),
        requested("ann", 1, 2),
        sent("ann", 1, 3),
        sent("ann", 1, 3.5, SurveyStep.CLICKED),
        answered("ann", 4, 9, comment="Fine."),
        answered("ann", 50, 2, number=2, comment="Slow since the release."),
        outcome("ann", 2, 51, OutcomeKind.PLANNED, planned=(effect,)),
        outcome("ann", 2, 52, OutcomeKind.DELIVERED, destination="slack", rule="unhappy_customer"),
        outcome("ann", 2, 53, OutcomeKind.CLAIMED, actor="maya", rule="unhappy_customer"),
        outcome("ann", 2, 54, OutcomeKind.SLA_BREACHED, reason="contact"),
        moment(Moment.RENEWED, 60, account_id="acme"),
    ]


A_LIFE = [
    "The follow-up missed its target (the first contact)",
    "Maya took the follow-up (rule unhappy customer)",
    "Delivered to slack (rule unhappy customer)",
    "Planned for slack (rule unhappy customer)",
    "Answered NPS: 2 (9 before: from promoter to detractor)",
    "Answered NPS: 9 (first answer)",
    "Survey opened (email)",
    "Survey sent (email)",
    "Survey for NPS decided on (You bought.; program yearly)",
    "Purchased (product: router)",
]


def test_everything_is_told_in_the_order_of_time_with_its_reason(world: World) -> None:
    world.say(*a_life())
    assert told(world, "ann") == A_LIFE
    assert told(world, "ann", account_id="acme") == ["Renewed", *A_LIFE]


def test_what_was_retracted_did_not_happen(world: World) -> None:
    world.say(moment(Moment.PURCHASED, 1, person_key="ann"))
    world.say(
        moment(Moment.PURCHASED, 1, person_key="ann", order=Order(revision=2, tie=0), retracted=True),
        moment(Moment.PURCHASED, 1, person_key="ann"),
    )
    assert told(world, "ann") == []


def test_a_history_follows_its_person_and_ends_with_them(world: World) -> None:
    world.say(*a_life(), profile("new", 70, name="Ann Lee", merged_from=("ann",)))
    assert told(world, "new") == A_LIFE
    world.say(ProfileErased("ann", hour(80)))
    assert told(world, "new", "ann") == []
    assert told(world, account_id="acme") == ["Renewed"]


def test_the_pages_name_the_customer_and_lead_to_the_answer(world: World) -> None:
    world.say(*a_life(), profile("new", 70, account_id="acme", name="Ann <Lee>", merged_from=("ann",)))
    with served(world.pool) as address, visitor(address) as client:
        person = client.get("/people/ann").text
        assert "Ann &lt;Lee&gt;" in person
        assert f"/answers/{answer_id('ann', 2)}" in person
        company = client.get("/accounts/acme").text
        assert "olga@ours.test" in company
        assert "12,000 EUR" in company
        answer = client.get(f"/answers/{answer_id('ann', 2)}").text
        assert "Slow since the release." in answer
        assert "Maya took the follow-up" in answer
        missing = ("/people/nobody", "/accounts/none", f"/answers/{uuid5(NAMESPACE, 'none')}", "/answers/x")
        assert {client.get(path).status_code for path in missing} == {404}


def test_who_has_no_profile_goes_by_what_the_latest_answer_says(world: World) -> None:
    world.say(
        answered("ann", 1, account_id="acme", respondent={"name": "Ann Ibarra", "email": "ann@acme.test"}),
        answered("bob", 1, account_id="acme", respondent={"name": "B."}),
        profile("bob", 2, name="Bob Dahl", account_id="acme"),
    )
    with world.pool.connection() as connection:
        ann, bob = customers.person(connection, "ann"), customers.person(connection, "bob")
        names = {member.name for member in customers.members(connection, "acme")}
    assert ann is not None
    assert bob is not None
    assert (ann.name, ann.email, ann.account_id) == ("Ann Ibarra", "ann@acme.test", "acme")
    assert bob.name == "Bob Dahl"
    assert names == {"Ann Ibarra", "Bob Dahl"}
    world.say(ProfileErased(person_key="ann", erased_at=hour(3)))
    with world.pool.connection() as connection:
        ann = customers.person(connection, "ann")
    assert ann is None or (ann.name, ann.email) == (None, None)
