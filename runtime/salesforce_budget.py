"""The org's daily calls are shared by all its integrations: the last of them are left to the others."""

import time
from collections.abc import Callable
from threading import Lock

from runtime import metrics

STALE_SECONDS = 300.0
"""What was read longer ago says nothing: others' calls drop out of the 24 hours, so one call looks again."""


class Budget:
    """What `Sforce-Limit-Info` said last. `reserve_share` of the limit is left alone, 0-1."""

    def __init__(self, reserve_share: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._reserve_share = reserve_share
        self._clock = clock
        self._lock = Lock()
        self._left = 1
        self._noted_at = -STALE_SECONDS

    def note(self, used: int, limit: int) -> None:
        """Keep what an answer of the org said: calls of the last 24 hours, and how many there may be."""
        reserve = int(limit * self._reserve_share)
        with self._lock:
            self._left = limit - used - reserve
            self._noted_at = self._clock()
        metrics.SALESFORCE_DAILY_CALLS.labels("used").set(used)
        metrics.SALESFORCE_DAILY_CALLS.labels("limit").set(limit)
        metrics.SALESFORCE_DAILY_CALLS.labels("reserve").set(reserve)

    def wait_seconds(self) -> float:
        """How long no call may be made; 0: now."""
        with self._lock:
            if self._left > 0:
                return 0.0
            return max(0.0, self._noted_at + STALE_SECONDS - self._clock())
