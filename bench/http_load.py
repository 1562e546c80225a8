"""A lean HTTP client: keep-alive connections, each sending its next request once the last is answered."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import uvloop


@dataclass(frozen=True, slots=True)
class Round:
    """What a round of requests took: all of it in seconds, and each answer's latency in seconds, sorted."""

    seconds: float
    latencies: Sequence[float]

    @property
    def per_second(self) -> float:
        """Answered requests a second."""
        return len(self.latencies) / self.seconds


class RefusedError(Exception):
    """The server did not accept the request."""


class _Connection(asyncio.Protocol):
    """Expects answers in JSON: they end where a read ends in `ending`."""

    def __init__(
        self,
        requests: Iterator[bytes],
        latencies: list[float],
        finished: "asyncio.Future[None]",
        ending: bytes,
    ) -> None:
        self._requests = requests
        self._ending = ending
        self._latencies = latencies
        self._finished = finished
        self._answer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not data.endswith(self._ending):
            return
        if not self._answer.startswith(b"HTTP/1.1 2"):
            self._end(RefusedError(self._answer[:300].decode()))
            return
        self._answer = b""
        self._latencies.append(time.perf_counter() - self._sent_at)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionError("the server closed a connection"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._end(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def _end(self, error: Exception | None) -> None:
        if self._finished.done():
            return
        if error is None:
            self._finished.set_result(None)
        else:
            self._finished.set_exception(error)


def run_round(port: int, requests: Sequence[bytes], *, connections: int, ending: bytes = b"}") -> Round:
    """Sends all requests to 127.0.0.1:`port`; no answer but its end may hold `ending` at the end of a read.

    Raises RefusedError for an answer other than 2xx.
    """
    return uvloop.run(_round(port, requests, connections, ending))


async def _round(port: int, requests: Sequence[bytes], connections: int, ending: bytes) -> Round:
    loop = asyncio.get_running_loop()
    waiting = iter(requests)
    latencies: list[float] = []
    started = time.perf_counter()
    ends = []
    for _ in range(connections):
        finished: asyncio.Future[None] = loop.create_future()
        ends.append(finished)
        connection = partial(_Connection, waiting, latencies, finished, ending)
        await loop.create_connection(connection, "127.0.0.1", port)
    await asyncio.gather(*ends)
    return Round(time.perf_counter() - started, sorted(latencies))
