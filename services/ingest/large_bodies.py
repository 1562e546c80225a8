"""Reads bodies of megabytes a few at a time, so that many callers cannot fill the memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from services.ingest import problems
from services.ingest.api import checked_body
from services.ingest.waiting import NotTakenError

IN_HAND = 4
WAIT_SECONDS = 4.0
"""The answer has to be out within 5 s."""
READ_SECONDS = 30.0


class Places:
    """At most `in_hand` bodies are read or held at once; others stay unread on their connections.

    A caller waits `wait_seconds` for a place, and may then take `read_seconds` to send the body.
    """

    def __init__(
        self,
        limit_bytes: int,
        *,
        in_hand: int = IN_HAND,
        wait_seconds: float = WAIT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._limit_bytes = limit_bytes
        self._places = asyncio.Semaphore(in_hand)
        self._wait_seconds = wait_seconds
        self._read_seconds = read_seconds

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """The whole body; its place is taken until the context ends.

        Raises NotTakenError where no place becomes free in time, runtime.problems.Problem where the body is
        too large, comes too slowly or ends too early.
        """
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise NotTakenError from None
        try:
            yield await self._read(request)
        finally:
            self._places.release()

    async def _read(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(self._read_seconds):
                return await checked_body(request, self._limit_bytes)
        except TimeoutError:
            raise problems.too_slow(self._read_seconds) from None
