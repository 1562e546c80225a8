import asyncio
import time

from runtime.gatherer import Gatherer

NEVER_SECONDS = 60.0


def test_a_full_batch_does_not_linger() -> None:
    async def scenario() -> list[int]:
        gatherer: Gatherer[int] = Gatherer(3, linger_seconds=NEVER_SECONDS)
        assert [gatherer.add(number) for number in range(3)] == [False, False, True]
        return await asyncio.wait_for(gatherer.take(), 5)

    assert asyncio.run(scenario()) == [0, 1, 2]


def test_a_batch_that_does_not_fill_is_taken_after_lingering() -> None:
    async def scenario() -> tuple[list[int], float]:
        gatherer: Gatherer[int] = Gatherer(3, linger_seconds=0.05)
        gatherer.add(1)
        started = time.monotonic()
        return await gatherer.take(), time.monotonic() - started

    taken, waited_seconds = asyncio.run(scenario())
    assert taken == [1]
    assert waited_seconds >= 0.045


def test_whoever_adds_to_a_full_one_waits_until_it_is_taken() -> None:
    async def scenario() -> list[list[int]]:
        gatherer: Gatherer[int] = Gatherer(2, linger_seconds=0.01)

        async def fill() -> None:
            for number in range(5):
                if gatherer.add(number):
                    await gatherer.room()

        filling = asyncio.create_task(fill())
        batches = [await gatherer.take(), await gatherer.take(), await gatherer.take()]
        await filling
        return batches

    assert asyncio.run(scenario()) == [[0, 1], [2, 3], [4]]


def test_nothing_is_taken_before_something_is_there() -> None:
    async def scenario() -> list[int]:
        gatherer: Gatherer[int] = Gatherer(1, linger_seconds=0)
        taking = asyncio.create_task(gatherer.take())
        await asyncio.sleep(0)
        assert not taking.done()
        gatherer.add(1)
        return await taking

    assert asyncio.run(scenario()) == [1]
