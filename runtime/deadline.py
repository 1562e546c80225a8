"""A hard limit on a blocking call, for clients whose own time-outs hold for one socket operation only."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

_MARGIN_SECONDS = 0.05
"""The call itself sees its end this much earlier, and can still say how far it had come."""

_ends_at: ContextVar[float] = ContextVar("ends_at")


class _Runner:
    """A thread that makes one call after another."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        Thread(target=self._work, name="call", daemon=True).start()

    def run(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            self._jobs.get()()


_idle: list[_Runner] = []
"""Threads to call in; there are as many as calls were ever under way at once."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """Run `call` in another thread and return what it returns, or raise what it raises.

    Raises TimeoutError once `seconds` have passed, whatever the call is doing then. The abandoned thread
    cannot start anything new, because `remaining` refuses it, and is free again after the time-out of its
    socket.
    """
    outcome: Future[T] = Future()
    ends_at = time.monotonic() + seconds
    try:
        runner = _idle.pop()
    except IndexError:
        runner = _Runner()

    def run() -> None:
        _ends_at.set(ends_at - _MARGIN_SECONDS)
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, which raises it
            _idle.append(runner)
            outcome.set_exception(error)
        else:
            _idle.append(runner)  # before the result is out, so that whoever waits for it finds this thread
            outcome.set_result(result)

    runner.run(run)
    return outcome.result(ends_at - time.monotonic())


def remaining() -> float:
    """Seconds left of the call `within` runs: the time-out for its next operation.

    Raises TimeoutError when none are left, so that nothing is begun too late.
    """
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline of this call has passed")
    return left
