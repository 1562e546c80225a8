"""A few large bodies at a time: who comes later waits, and whoever is slow is sent away."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fastapi import Request

from runtime.problems import Problem
from services.ingest.large_bodies import Places
from services.ingest.waiting import NotTakenError

Receive = Callable[[], Awaitable[dict[str, object]]]


def request(receive: Receive) -> Request:
    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def at_once() -> dict[str, object]:
    return {"type": "http.request", "body": b"[]", "more_body": False}


async def never() -> dict[str, object]:
    await asyncio.Event().wait()
    return {}


def test_a_body_waits_unread_until_another_one_is_done_with() -> None:
    async def story() -> None:
        places = Places(100, in_hand=1, wait_seconds=30, read_seconds=30)
        asked = asyncio.Event()

        async def later() -> dict[str, object]:
            asked.set()
            return await at_once()

        async def second() -> bytes:
            async with places.body(request(later)) as raw:
                return raw

        async with places.body(request(at_once)) as raw:
            assert raw == b"[]"
            waiting = asyncio.create_task(second())
            for _ in range(10):
                await asyncio.sleep(0)
            assert not asked.is_set()
        assert await waiting == b"[]"

    asyncio.run(story())


def test_nobody_waits_for_a_place_for_ever() -> None:
    async def story() -> None:
        places = Places(100, in_hand=1, wait_seconds=0.01, read_seconds=30)
        async with places.body(request(at_once)):
            with pytest.raises(NotTakenError):
                async with places.body(request(at_once)):
                    pytest.fail("there was no place")
        async with places.body(request(at_once)) as raw:
            assert raw == b"[]"

    asyncio.run(story())


def test_whoever_sends_too_slowly_gives_the_place_up() -> None:
    async def story() -> None:
        places = Places(100, in_hand=1, wait_seconds=30, read_seconds=0.01)
        with pytest.raises(Problem) as told:
            async with places.body(request(never)):
                pytest.fail("there was no body")
        assert told.value.status == 408
        async with places.body(request(at_once)) as raw:
            assert raw == b"[]"

    asyncio.run(story())
