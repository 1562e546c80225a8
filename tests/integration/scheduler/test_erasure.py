"""What the scheduler holds of a person ends, is counted, and does not come back."""

from datetime import timedelta
from uuid import uuid4

from runtime.cloudevents import decode
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.outbox import from_json
from schemas.erasures import ErasureDone, ErasureRequested
from services.scheduler import erasures
from tests.integration.scheduler.world import EPOCH, World, answered, day, profile, purchased


def erased(world: World, *keys: str, at: float) -> ErasureDone:
    """Asks to forget a person; what the scheduler reports."""
    first, *aliases = keys
    asked = ErasureRequested(
        erasure_id=uuid4(), person_key=first, aliases=tuple(aliases), requested_at=day(at)
    )
    record = Record(asked.TOPIC, 0, 0, b"", b"", (), EPOCH)
    with world.pool.connection() as connection:
        erasures.handle(connection, [Delivered(record, asked)])
        [(topic, key, value, headers)] = connection.execute(
            "DELETE FROM outbox WHERE topic = %s RETURNING topic, key, value, headers", (asked.TOPIC,)
        ).fetchall()
    done = decode(Record(topic, 0, 0, key, value, from_json(headers), EPOCH), {ErasureDone.TYPE: ErasureDone})
    assert (done.erasure_id, done.service) == (asked.erasure_id, "scheduler")
    return done


def held(world: World, person: str) -> int:
    with world.pool.connection() as connection:
        return sum(
            connection.execute(
                f"SELECT count(*) FROM {table} WHERE person = %s",  # noqa: S608 - names of this test
                (person,),
            ).fetchall()[0][0]
            for table in ("lifecycle_events", "answers", "requests", "due_work", "decisions")
        )


def test_everything_of_a_person_goes_and_is_counted(world: World) -> None:
    world.say(profile("dana"), purchased("dana", 2), answered("dana", 3), profile("lee"), purchased("lee", 2))
    world.work_until(40)
    assert {"lee"} <= {person for person, _ in world.asked()}
    before = held(world, "lee")

    done = erased(world, "dana", at=50)

    assert held(world, "dana") == 0
    assert done.removed["people"] == 1
    assert (done.removed["lifecycle_events"], done.removed["answers"]) == (1, 1)
    assert held(world, "lee") == before > 0


def test_what_was_received_before_does_not_come_back_and_nobody_is_asked(world: World) -> None:
    world.say(profile("dana"), purchased("dana", 2))
    erased(world, "dana", at=10)

    world.say(purchased("dana", 2), answered("dana", 3))
    assert held(world, "dana") == 0

    world.say(purchased("dana", 20, number=2))
    world.work_until(60)
    assert world.asked() == []


def test_a_merged_person_is_forgotten_under_every_key(world: World) -> None:
    world.say(profile("winner", 3, merged_from=("old",)), profile("old", 2, merged_into="winner"))
    world.say(purchased("old", 2))
    assert held(world, "winner") > 0

    erased(world, "old", at=10)

    assert held(world, "winner") == held(world, "old") == 0
    world.say(purchased("winner", 5, number=3))
    assert held(world, "winner") == 0


def test_asked_again_it_finds_nothing_more(world: World) -> None:
    world.say(profile("dana"), purchased("dana", 2))
    erased(world, "dana", at=10)

    again = erased(world, "dana", at=10)

    assert sum(again.removed.values()) == 0
    assert timedelta(0) < again.done_at - EPOCH
