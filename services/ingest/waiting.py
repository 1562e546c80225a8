"""Messages that wait for Kafka's acknowledgement: bounded in number, in bytes and in time."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from runtime.messages import Message


class NotTakenError(Exception):
    """Kafka has not acknowledged the message. It may arrive yet; it can be sent again under the same id."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One message, until when (monotonic seconds) somebody waits for it, and what they wait on."""

    message: Message
    deadline: float
    acknowledged: "asyncio.Future[None]"


class WaitingRoom:
    """First in, first out. A message counts against the bounds until it is released."""

    def __init__(self, *, deadline_seconds: float, max_messages: int, max_bytes: int) -> None:
        self._deadline_seconds = deadline_seconds
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._queue: deque[Waiting] = deque()
        self._held = 0
        self._held_bytes = 0
        self._arrived = asyncio.Event()

    def enter(self, message: Message) -> "asyncio.Future[None]":
        """What to wait on. Raises NotTakenError when the room is full."""
        if self._held >= self._max_messages or self._held_bytes >= self._max_bytes:
            raise NotTakenError
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(message, time.monotonic() + self._deadline_seconds, future))
        self._held += 1
        self._held_bytes += len(message.value or b"")
        self._arrived.set()
        return future

    async def next_group(self, most: int) -> list[Waiting]:
        """The oldest messages, at least one and at most `most`; waits for the first."""
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        return [self._queue.popleft() for _ in range(min(len(self._queue), most))]

    def release(self, group: Iterable[Waiting], error: Exception | None = None) -> None:
        """Ends the waiting of a group that was taken out: acknowledged, or failed with `error`."""
        for waiting in group:
            self._held -= 1
            self._held_bytes -= len(waiting.message.value or b"")
            if waiting.acknowledged.done():
                continue
            if error is None:
                waiting.acknowledged.set_result(None)
            else:
                waiting.acknowledged.set_exception(error)

    def release_overdue(self) -> None:
        """Fails those in the queue whose deadline has passed."""
        now = time.monotonic()
        while self._queue and self._queue[0].deadline <= now:
            self.release([self._queue.popleft()], NotTakenError())

    def release_all(self) -> None:
        """Fails everything in the queue."""
        self.release(self._queue, NotTakenError())
        self._queue.clear()
