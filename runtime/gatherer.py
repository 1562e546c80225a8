"""Events on their way from one asyncio task to another, a batch at a time."""

import asyncio
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Gatherer(Generic[T]):
    """Holds up to `max_events`; a batch is ready when they are so many, or `linger_seconds` after a wait."""

    def __init__(self, max_events: int, *, linger_seconds: float) -> None:
        self._max_events = max_events
        self._linger_seconds = linger_seconds
        self._events: list[T] = []
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()

    def add(self, event: T) -> bool:
        """Adds one; True means that nothing may be added until `room` returns."""
        self._events.append(event)
        self._some.set()
        if len(self._events) < self._max_events:
            return False
        self._full.set()
        self._room.clear()
        return True

    async def room(self) -> None:
        """Waits until a batch was taken."""
        await self._room.wait()

    async def take(self) -> list[T]:
        """Waits for a batch and takes it, in the order added."""
        await self._some.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._linger_seconds):
                await self._full.wait()
        taken, self._events = self._events, []
        self._some.clear()
        self._full.clear()
        self._room.set()
        return taken
