import asyncio

import pytest

from runtime.messages import Message
from services.ingest.waiting import NotTakenError, WaitingRoom

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def message(name: str, size: int = 1) -> Message:
    return Message("topic", name.encode(), b"x" * size, ())


def room(*, deadline_seconds: float = 60, max_messages: int = 100, max_bytes: int = 1_000) -> WaitingRoom:
    return WaitingRoom(deadline_seconds=deadline_seconds, max_messages=max_messages, max_bytes=max_bytes)


async def test_groups_keep_the_order_and_the_bound() -> None:
    waiting = room()
    for name in "abc":
        waiting.enter(message(name))
    assert [one.messages[0].key for one in await waiting.next_group(2)] == [b"a", b"b"]
    assert [one.messages[0].key for one in await waiting.next_group(2)] == [b"c"]


async def test_the_messages_of_one_call_stay_together() -> None:
    waiting = room(max_messages=3)
    waiting.enter(message("a"))
    taken = waiting.enter(message("b"), message("c"), message("d"))
    with pytest.raises(NotTakenError):
        waiting.enter(message("e"))
    assert [len(one.messages) for one in await waiting.next_group(3)] == [1]
    (together,) = await waiting.next_group(2)
    waiting.release([together])
    await taken
    waiting.enter(message("e"))


async def test_an_empty_room_waits_for_the_first() -> None:
    waiting = room()
    group = asyncio.create_task(waiting.next_group(2))
    await asyncio.sleep(0)
    assert not group.done()
    waiting.enter(message("a"))
    assert len(await group) == 1


async def test_release_acknowledges_or_fails() -> None:
    waiting = room()
    taken, failed = waiting.enter(message("a")), waiting.enter(message("b"))
    first, second = await waiting.next_group(2)
    waiting.release([first])
    waiting.release([second], NotTakenError())
    await taken
    with pytest.raises(NotTakenError):
        await failed


async def test_the_room_is_bounded_in_messages_until_they_are_released() -> None:
    waiting = room(max_messages=2)
    waiting.enter(message("a"))
    waiting.enter(message("b"))
    group = await waiting.next_group(2)
    with pytest.raises(NotTakenError):
        waiting.enter(message("c"))
    with pytest.raises(NotTakenError):
        waiting.check()
    waiting.release(group)
    waiting.check()
    waiting.enter(message("c"))


async def test_the_room_is_bounded_in_bytes() -> None:
    waiting = room(max_bytes=10)
    waiting.enter(message("a", 10))
    with pytest.raises(NotTakenError):
        waiting.enter(message("b"))
    waiting.release(await waiting.next_group(1))
    waiting.enter(message("b"))


async def test_the_overdue_fail_and_leave() -> None:
    waiting = room(deadline_seconds=0)
    overdue = waiting.enter(message("a"))
    waiting.release_overdue()
    with pytest.raises(NotTakenError):
        await overdue


async def test_at_the_end_everybody_hears_it() -> None:
    waiting = room(max_messages=1)
    last = waiting.enter(message("a"))
    waiting.release_all()
    with pytest.raises(NotTakenError):
        await last
    waiting.enter(message("b"))


async def test_a_caller_who_left_is_no_trouble() -> None:
    waiting = room()
    waiting.enter(message("a")).cancel()
    waiting.release(await waiting.next_group(1))
