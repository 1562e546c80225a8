"""Somebody who is to be forgotten is, everywhere in the router, and stays so."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from runtime.cloudevents import decode
from runtime.consumer import Delivered as Given
from runtime.messages import Record
from schemas.erasures import ErasureDone, ErasureRequested
from services.router import erasures, interventions
from services.router.clearance import DeliveryMode, Policy
from services.router.destination import Ambiguous, Call, Failed, Operation, Result
from services.router.interventions import Answer
from tests.integration.router.world import EPOCH, LIVE, RULES, World, answer, profile

REMEMBERED = ("plans", "scores", "asks", "follow_ups", "follow_up_history", "timers", "shown_cards")
FOLLOWED = RULES.replace(
    "do: [{id: alert, destination: box}]",
    "do: [{id: alert, destination: box}, {id: later, destination: neighbour, after_days: 2}]\n"
    "    follow_up: {team: cs, first_contact_hours: 4, resolve_hours: 16}",
    1,
)


def forget(world: World, person: str = "ann", *, aliases: Sequence[str] = (), hours: float = 1) -> UUID:
    request = ErasureRequested(
        erasure_id=uuid4(),
        person_key=person,
        aliases=tuple(aliases),
        requested_at=EPOCH + timedelta(hours=hours),
    )
    with world.pool.connection() as connection:
        erasures.handle(connection, [Given(Record("t", 0, 0, b"k", b"", (), EPOCH), request)])
    return request.erasure_id


def test_everything_the_router_holds_of_a_person_goes_and_is_counted(world: World) -> None:
    world.use_rules(FOLLOWED)
    world.storm_people = 20
    world.say(answer(2, comment="my name is Ann"), answer(2, person="bob"))
    world.deliver_all()
    held = {table: world.count(table) for table in REMEMBERED}

    erasure_id = forget(world)
    world.deliver_all()

    kept = {table: world.count(table) for table in REMEMBERED}
    assert all(kept[table] * 2 == held[table] for table in REMEMBERED), (held, kept)
    assert world.ask("SELECT DISTINCT content FROM effects WHERE person_key = 'ann'") == [({},)]
    assert world.count("effects", "person_key = 'bob' AND content <> '{}'") == 2
    (done,) = receipts(world)
    assert (done.erasure_id, done.service) == (erasure_id, "router")
    assert done.removed["follow_ups"] == 1
    assert done.removed["effects"] == 2


def test_what_stands_outside_is_taken_back(world: World) -> None:
    world.say(answer(2, comment="my name is Ann"))
    world.deliver_all()

    forget(world)
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.RETRACT]
    # Also before the profile's tombstone has come.
    assert [call.is_erased for call in world.box.calls] == [False, True]
    assert list(world.box.objects.values()) == [""]
    assert world.ask("SELECT status, content FROM effects") == [("retracted", {})]


def test_a_call_under_way_at_an_erasure_is_taken_back_after_it(world: World) -> None:
    def forget_meanwhile(call: Call) -> Result:
        world.box.answer = world.box.accept
        forget(world)
        return world.box.accept(call)

    world.box.answer = forget_meanwhile
    world.say(answer(2))
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.RETRACT]
    assert list(world.box.objects.values()) == [""]


def test_an_ambiguous_call_of_somebody_erased_is_looked_for_and_taken_back(world: World) -> None:
    def lose_the_answer(call: Call) -> Result:
        world.box.accept(call)
        world.box.answer = world.box.accept
        forget(world)
        return Ambiguous("timeout")

    world.box.answer = lose_the_answer
    world.say(answer(2))
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.RECONCILE, Operation.RETRACT]
    assert list(world.box.objects.values()) == [""]


def test_what_was_not_sent_yet_never_is(world: World) -> None:
    world.say(answer(2))
    forget(world)
    world.deliver_all()

    assert world.box.calls == []
    assert world.effects() == {"alert": "withheld"}


@pytest.mark.parametrize("key", ["ann", "alias", "merged"])
def test_what_was_received_before_is_dropped_whenever_it_turns_up(world: World, key: str) -> None:
    world.project(profile("merged", merged_into="ann"))
    forget(world, aliases=["alias"])

    world.say(answer(2, person=key))
    assert world.count("subjects") == 0

    world.say(answer(2, person=key, responded_at=EPOCH + timedelta(hours=2)))
    world.deliver_all()
    assert world.effects() == {"alert": "delivered"}


def test_an_answer_received_after_the_erasure_is_not_taken_back_with_the_others(world: World) -> None:
    world.say(answer(2), answer(9, responded_at=EPOCH + timedelta(hours=2)))
    world.deliver_all()

    forget(world)
    world.deliver_all()

    assert world.effects() == {"alert": "retracted", "cheer": "delivered"}


def test_neither_a_revision_nor_an_operator_brings_it_back(world: World) -> None:
    first = uuid4()
    world.say(answer(2, of=first))
    forget(world)
    world.say(answer(2, of=first, revision=2, responded_at=EPOCH + timedelta(hours=2)))
    world.deliver_all()
    assert world.box.calls == []

    ((effect_id,),) = world.ask("SELECT effect_id FROM effects")
    with world.pool.connection() as connection:
        assert interventions.retry(connection, effect_id, EPOCH) is Answer.NOT_FAILED


@pytest.mark.parametrize("obstacle", ["refused", "observed"])
def test_what_could_not_be_taken_back_can_be_tried_again(world: World, obstacle: str) -> None:
    world.say(answer(2, comment="my name is Ann"))
    world.deliver_all()
    if obstacle == "refused":
        world.box.answer = lambda _call: Failed("channel_is_archived")
    else:
        world.policy = Policy(DeliveryMode.OBSERVE)
    forget(world)
    world.deliver_all()
    assert world.effects() == {"alert": "failed" if obstacle == "refused" else "withheld"}
    ((effect_id,),) = world.ask("SELECT effect_id FROM effects")

    world.box.answer, world.policy = world.box.accept, LIVE
    with world.pool.connection() as connection:
        assert interventions.retry(connection, effect_id, EPOCH) is Answer.DONE
    world.deliver_all()

    assert list(world.box.objects.values()) == [""]
    assert world.ask("SELECT status, content, ended_by FROM effects") == [("retracted", {}, "erased")]


def test_forgetting_twice_changes_nothing(world: World) -> None:
    world.say(answer(2))
    world.deliver_all()
    forget(world)
    forget(world)
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.RETRACT]


def receipts(world: World) -> list[ErasureDone]:
    rows = world.ask("SELECT key, value, headers FROM outbox WHERE topic = %s", ErasureDone.TOPIC)
    return [
        decode(
            Record(
                ErasureDone.TOPIC,
                0,
                0,
                key,
                value,
                tuple((name, text.encode()) for name, text in headers),
                EPOCH,
            ),
            {ErasureDone.TYPE: ErasureDone},
        )
        for key, value, headers in rows
    ]
