"""What is old is forgotten; what may still be planned, and every request, is not."""

from threading import Event

from services.scheduler.retention import LEAST_DAYS, Retention
from tests.integration.scheduler.world import World, day, profile, purchased


def counts(world: World) -> tuple[int, ...]:
    """Decisions, work, daily counts, requests."""
    with world.pool.connection() as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM decisions), (SELECT count(*) FROM due_work),"
            " (SELECT count(*) FROM asked_counts), (SELECT count(*) FROM requests)"
        ).fetchone()
    return row or ()


def test_decisions_and_done_work_are_kept_for_some_time(world: World) -> None:
    world.clock.time = day(-1_990)
    world.say(profile("ann"), purchased("ann", -2_000), profile("bob"), purchased("bob", 0))
    for at in (-1_970, 31):
        world.work_until(at)
    assert counts(world) == (2, 2, 2, 2)
    Retention(world.pool, keep_days=LEAST_DAYS).once(Event())
    assert counts(world) == (1, 1, 1, 2)
    world.say(purchased("ann", -2_000), purchased("ann", -2_000, revision=2))
    world.work_until(32)
    assert world.asked() == [("ann", -1_970), ("bob", 31)]
    assert world.clock.now() == day(32)
