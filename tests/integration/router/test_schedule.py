"""Effects with a time, and effects that live in another one's object."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from schemas.outcomes import OutcomeRecorded
from services.router import effect_store, interventions, schedule, timer_store
from services.router.clearance import DeliveryMode, Policy
from services.router.destination import Call, Failed, Operation, Result
from services.router.effect import EffectRow, Parent, effect_id
from services.router.interventions import Answer, Connection
from services.router.ledger import lane_below
from services.router.timer_store import TimerKind
from tests.integration.router.world import EPOCH, World, answer, until

LATER = EPOCH + timedelta(days=3)
SUBJECT = f"response:{uuid4()}"


def row(action: str, subject: str = SUBJECT, *, person: str = "ann") -> EffectRow:
    return EffectRow(
        subject=subject,
        action=action,
        effect_id=effect_id(subject, action),
        rule="detractor",
        destination="box",
        person_key=person,
        account_id=None,
        program=None,
        channel=None,
        received_at=None,
        expires_at=None,
        traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
        content=json.dumps({"person": person, "text": action, "email": None}),
        is_wanted=True,
        desired_version=1,
        order_key=person,
        rate_key="",
        is_new=True,
    )


def scheduled(action: str, *ends_on: str, person: str = "ann") -> EffectRow:
    return row(action, person=person)._replace(
        not_before=LATER, is_scheduled=True, ends_on=ends_on or ("reply",)
    )


def child(action: str, parent: str = "card") -> EffectRow:
    below = Parent(SUBJECT, parent)
    return row(action)._replace(parent=below, order_key=lane_below(effect_id(SUBJECT, parent)))


def write(world: World, *rows: EffectRow) -> None:
    with world.pool.connection() as connection:
        effect_store.write(connection, rows, now=EPOCH)


def release(world: World) -> None:
    with world.pool.connection() as connection:
        due = timer_store.take(connection, world.clock.now(), limit=100)
        assert {timer.kind for timer in due} <= {TimerKind.RELEASE}
        schedule.release(connection, due, world.clock.now())


def end(world: World, cause: str, person: str = "ann") -> list[str]:
    with world.pool.connection() as connection:
        return sorted(one.action for one in schedule.end_of_person(connection, [person], cause))


def test_what_has_a_time_leaves_when_it_has_come(world: World) -> None:
    write(world, scheduled("tip"))
    release(world)
    assert (world.effects(), world.count("pending"), world.count("timers")) == ({"tip": "scheduled"}, 0, 1)

    world.clock.time = LATER
    release(world)
    world.deliver_all()
    assert world.effects() == {"tip": "delivered"}
    assert world.count("timers") == 0


def intervene(world: World, change: Callable[[Connection, UUID, datetime], Answer]) -> Answer:
    with world.pool.connection() as connection:
        return change(connection, effect_id(SUBJECT, "tip"), world.clock.now())


def test_what_was_cancelled_and_taken_up_again_still_waits_for_its_time(world: World) -> None:
    write(world, scheduled("tip"))
    assert intervene(world, interventions.cancel) is Answer.DONE
    assert world.effects() == {"tip": "withheld"}
    assert intervene(world, interventions.retry) is Answer.DONE
    assert (world.effects(), world.count("pending")) == ({"tip": "scheduled"}, 0)

    world.clock.time = LATER
    release(world)
    world.deliver_all()
    assert world.effects() == {"tip": "delivered"}


def test_what_was_cancelled_over_its_time_leaves_when_it_is_taken_up_again(world: World) -> None:
    write(world, scheduled("tip"))
    assert intervene(world, interventions.cancel) is Answer.DONE
    world.clock.time = LATER
    release(world)
    world.deliver_all()
    assert world.effects() == {"tip": "withheld"}

    assert intervene(world, interventions.retry) is Answer.DONE
    world.deliver_all()
    assert world.effects() == {"tip": "delivered"}


@pytest.mark.parametrize(("cause", "ended"), [("reply", ["tip"]), ("claim", [])])
def test_what_ends_an_effect_before_it_was_sent_ends_it_for_ever(
    world: World, cause: str, ended: list[str]
) -> None:
    write(world, scheduled("tip", "reply", "opt_out"), scheduled("other", "opt_out"))
    assert end(world, cause) == ended
    assert end(world, cause) == []

    world.clock.time = LATER
    release(world)
    world.deliver_all()
    assert world.effects()["tip"] == ("withheld" if ended else "delivered")
    assert world.effects()["other"] == "delivered"
    assert world.reason("tip") == ("reply" if ended else None)


def test_nothing_ends_what_was_sent_or_may_have_been(world: World) -> None:
    pending = row("alert")._replace(ends_on=("reply",))
    write(world, pending, pending._replace(action="under_way", effect_id=uuid4(), order_key="other"))
    world.ask("UPDATE pending SET lease = gen_random_uuid(), leased_until = now() WHERE action = 'under_way'")
    assert end(world, "reply") == ["alert"]
    assert end(world, "reply", person="bob") == []
    (withheld,) = [event for event in world.said() if isinstance(event, OutcomeRecorded)]
    assert (withheld.kind, withheld.action, withheld.reason) == ("withheld", "alert", "reply")

    world.deliver_all()
    assert world.effects() == {"alert": "withheld", "under_way": "delivered"}
    assert end(world, "reply") == []


def test_planning_again_does_not_bring_back_what_has_ended(world: World) -> None:
    first = uuid4()
    world.say(answer(2, of=first))
    world.ask("UPDATE effects SET ends_on = '{reply}'")
    with world.pool.connection() as connection:
        assert [e.action for e in schedule.end_of_subject(connection, f"response:{first}", "reply")] == [
            "alert"
        ]
    world.say(answer(2, of=first, revision=2, comment="late"))
    world.deliver_all()
    assert (world.effects(), world.box.calls) == ({"alert": "withheld"}, [])


def test_a_child_follows_once_its_parent_is_there_and_names_it(world: World) -> None:
    write(world, child("reply"), row("card"))
    world.deliver_all()

    card, reply = world.box.calls
    assert (card.content["text"], reply.content["text"]) == ("card", "reply")
    assert (card.parent_id, reply.parent_id) == (None, f"box-{card.effect_id}")


def test_a_child_that_waits_holds_up_nobody(world: World) -> None:
    def refuse(call: Call) -> Result:
        return Failed("full") if call.content["text"] == "card" else world.box.accept(call)

    world.box.answer = refuse
    write(world, child("reply"), row("card"), row("next"))
    world.deliver_all()
    assert world.effects() == {"card": "failed", "reply": "withheld", "next": "delivered"}
    assert world.reason("reply") == "parent failed"


def test_a_child_whose_parent_is_withheld_missing_or_retracted_is_withheld(world: World) -> None:
    world.policy = Policy(DeliveryMode.OBSERVE)
    write(world, row("card"))
    world.deliver_all()
    world.policy = Policy(DeliveryMode.LIVE)
    write(world, row("gone"))
    world.deliver_all()
    world.ask("UPDATE effects SET outside = 'retracted', wanted = 'absent' WHERE action = 'gone'")
    write(world, child("one"), child("two", "nothing"), child("three", "gone"))
    world.deliver_all()
    assert [world.reason(action) for action in ("one", "two", "three")] == [
        "parent withheld",
        "parent missing",
        "parent retracted",
    ]


def test_retracting_a_child_leaves_its_parent(world: World) -> None:
    write(world, row("card"), child("reply"))
    world.deliver_all()
    write(world, child("reply")._replace(is_new=False, is_wanted=False, desired_version=2))
    world.deliver_all()
    assert world.effects() == {"card": "delivered", "reply": "retracted"}
    assert world.box.operations == [Operation.CREATE, Operation.CREATE, Operation.RETRACT]


def test_a_parent_wakes_its_children(world: World) -> None:
    until_told: list[Call] = []

    def late(call: Call) -> Result:
        until_told.append(call)
        if len(until_told) == 1:
            until(lambda: world.count("pending", "action = 'reply' AND due_at > clock_timestamp()") == 1)
        return world.box.accept(call)

    world.box.answer = late
    write(world, row("card"), child("reply"))
    with world.delivering():
        until(lambda: world.count("pending") == 0, seconds=4)
    assert [call.content["text"] for call in until_told] == ["card", "reply"]
