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
    """Messages of one call, until when (monotonic seconds) it waits for them, and what it waits on."""

    messages: tuple[Message, ...]
    deadline: float
    acknowledged: "asyncio.Future[None]"

    @property
    def size(self) -> int:
        """Bytes of the messages' values."""
        return sum(len(message.value or b"") for message in self.messages)


class WaitingRoom:
    """First in, first out. Messages count against the bounds until they are released."""

    def __init__(self, *, deadline_seconds: float, max_messages: int, max_bytes: int) -> None:
        self._deadline_seconds = deadline_seconds
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._queue: deque[Waiting] = deque()
        self._held = 0
        self._held_bytes = 0
        self._arrived = asyncio.Event()

    def enter(self, *messages: Message) -> "asyncio.Future[None]":
        """What to wait on for all of them. Raises NotTakenError when the room is full."""
        self.check()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = Waiting(messages, time.monotonic() + self._deadline_seconds, future)
        self._queue.append(waiting)
        self._held += len(messages)
        self._held_bytes += waiting.size
        self._arrived.set()
        return future

    def check(self) -> None:
        """Raises NotTakenError when the room is full, before anything is made that could not enter."""
        if self._held >= self._max_messages or self._held_bytes >= self._max_bytes:
            raise NotTakenError

    async def next_group(self, most: int) -> list[Waiting]:
        """The oldest calls, at least one, until they have `most` messages together; waits for the first."""
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        group = [self._queue.popleft()]
        taken = len(group[0].messages)
        while self._queue and taken + len(self._queue[0].messages) <= most:
            group.append(self._queue.popleft())
            taken += len(group[-1].messages)
        return group

    def release(self, group: Iterable[Waiting], error: Exception | None = None) -> None:
        """Ends the waiting of a group that was taken out: acknowledged, or failed with `error`."""
        for waiting in group:
            self._held -= len(waiting.messages)
            self._held_bytes -= waiting.size
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
