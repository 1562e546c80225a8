"""A hard limit on a blocking call, for clients whose own time-outs hold for one socket operation only."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

_MARGIN_SECONDS = 0.05
"""The call itself sees its end this much earlier, and can still say how far it had come."""

_ends_at: ContextVar[float] = ContextVar("ends_at")


def within(seconds: float, call: Callable[[], T]) -> T:
    """Run `call` in a thread of its own and return what it returns, or raise what it raises.

    Raises TimeoutError once `seconds` have passed, whatever the call is doing then. The abandoned thread
    cannot start anything new, because `remaining` refuses it, and ends with the time-out of its socket.
    """
    outcome: Future[T] = Future()
    ends_at = time.monotonic() + seconds

    def run() -> None:
        _ends_at.set(ends_at - _MARGIN_SECONDS)
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, which raises it
            outcome.set_exception(error)

    Thread(target=run, name="delivery", daemon=True).start()
    return outcome.result(ends_at - time.monotonic())


def remaining() -> float:
    """Seconds left of the call `within` runs: the time-out for its next operation.

    Raises TimeoutError when none are left, so that nothing is begun too late.
    """
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline of this call has passed")
    return left
