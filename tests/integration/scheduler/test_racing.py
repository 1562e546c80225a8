"""Schedulers that decide about the same people at the same time."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random

from services.scheduler import store
from services.scheduler.rounds import Books, decide
from tests.integration.scheduler.world import PROGRAM, PROGRAMS, World, day, profile, purchased


def test_a_person_somebody_decides_about_is_left_alone_and_then_seen_as_asked(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0, number=1), purchased("ann", 0, number=2))
    now = day(31)
    with world.pool.connection() as one:
        first, known = store.take_due(one, now, limit=1)
        with world.pool.connection() as other:
            assert store.take_due(other, now, limit=10) == ([], {})
        store.settle(one, decide(first, known, Books(), PROGRAMS, now), known, now)
    with world.pool.connection() as other:
        (second,), known = store.take_due(other, now, limit=10)
        assert known["ann"].last_contact_at == now
        (done,) = decide([second], known, Books(), PROGRAMS, now)
    assert (done.decision.gate, done.work.program) == ("fatigue", PROGRAM)


def test_an_opt_out_that_comes_first_is_seen(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0))
    with world.pool.connection() as writing:
        writing.execute("UPDATE people SET refuses_all = true")
        with world.pool.connection() as deciding:
            assert store.take_due(deciding, day(31), limit=10) == ([], {})
    world.work_until(31)
    assert world.reasons("ann") == [("skipped", "opted_out")]


def test_racing_schedulers_ask_everybody_once(world: World) -> None:
    people = [f"person{number}" for number in range(300)]
    events = [purchased(person, 0, number=number) for person in people for number in range(3)]
    Random(3).shuffle(events)  # noqa: S311 - the same disorder each time
    world.say(*(profile(person) for person in people))
    world.say(*events)
    world.work_until(0)
    racing = [World(world.pool, batch_size=7) for _ in range(4)]
    with ThreadPoolExecutor(len(racing)) as threads:
        list(threads.map(lambda each: each.work_until(31), racing))
    world.work_until(31)
    assert Counter(person for person, _ in world.asked()) == Counter(people)
    assert all(len(world.reasons(person)) == 3 for person in people)
