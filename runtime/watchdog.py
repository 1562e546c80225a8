"""Notices a consumer that has work and does not move, and ends the process so that it is started afresh."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from runtime.progress import Standing

CHECK_EVERY_SECONDS = 1.0


class Stalled(Exception):
    """Raised in the watchdog's thread; the service ends with it."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The last movement that was seen: `since` on the monotonic clock, in seconds."""

    standing: Standing
    since: float


def watch(last: Watch | None, standing: Standing, now: float) -> Watch:
    """The watch after another look: it starts over on movement, without work, on a failed attempt."""
    is_still = (
        last is not None
        and standing.lag_records > 0
        and standing.position == last.standing.position
        and standing.waits == last.standing.waits
    )
    return Watch(standing, last.since if last is not None and is_still else now)


class Watchdog:
    """A worker that raises Stalled once lag > 0 and no position has moved for `stalled_seconds`.

    A consumer that keeps asking for a dependency is left alone: health reports it, a restart would not help.
    """

    def __init__(self, standing: Callable[[], Standing], *, stalled_seconds: float = 120) -> None:
        self._standing = standing
        self._stalled_seconds = stalled_seconds

    def run(self, stop: threading.Event) -> None:
        """Looks once a second until `stop`."""
        last: Watch | None = None
        while not stop.wait(min(CHECK_EVERY_SECONDS, self._stalled_seconds / 2)):
            now = time.monotonic()
            last = watch(last, self._standing(), now)
            still_seconds = now - last.since
            if still_seconds >= self._stalled_seconds:
                raise Stalled(
                    f"{last.standing.lag_records} records wait and the consumer has not moved for"
                    f" {still_seconds:.0f} s; the process ends so that it is started afresh"
                )
