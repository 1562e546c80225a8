"""What protects a destination from us, and us from it: rate limits and a circuit breaker, both in memory."""

import threading
import time
from collections.abc import Callable, Mapping
from itertools import count

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from services.router.destination import Ambiguous, Retry

BREAKER_OPENS_AFTER = 5
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 60.0

MANY = 1_000_000
"""More deliveries than are ever claimed at once."""

Monotonic = Callable[[], float]

# One for all limits of the process: while in use it starts a thread every hundredth of a second that forgets
# what is old.
_LIMITER = MovingWindowRateLimiter(MemoryStorage())
_numbers = count()


class RateLimit:
    """So many calls a second for each rate key, and none for a key the destination told us to leave alone.

    `batches_per_second` holds for rate keys of which one call carries many deliveries. Each replica counts
    for itself; what two of them exceed together the destination answers with Retry-After.
    """

    def __init__(
        self,
        calls_per_second: float | None,
        clock: Monotonic = time.monotonic,
        batches_per_second: Mapping[str, float] | None = None,
    ) -> None:
        self._clock = clock
        self._held_until: dict[str, float] = {}
        self._used: set[str] = set()
        self._lock = threading.Lock()
        self._own = str(next(_numbers))
        self.burst: int | None = None
        self._batches = {key: _item(rate) for key, rate in (batches_per_second or {}).items()}
        if calls_per_second is not None:
            self._item = _item(calls_per_second)
            self.burst = self._item.amount

    def left(self) -> dict[str, int]:
        """Deliveries that may be made now, by rate key; a key that is not in it has the whole `burst`."""
        now = self._clock()
        with self._lock:
            self._held_until = {key: until for key, until in self._held_until.items() if until > now}
            batches = {
                key: MANY if _LIMITER.test(item, self._own, key) else 0 for key, item in self._batches.items()
            }
            left = {
                key: room
                for key in self._used
                if (room := _LIMITER.get_window_stats(self._item, self._own, key).remaining) != self.burst
            }
            self._used = set(left)
            return left | batches | dict.fromkeys(self._held_until, 0)

    def take(self, rate_key: str) -> bool:
        """Use one call of a rate key; False when there is none left now."""
        if rate_key in self._batches:
            with self._lock:
                return _LIMITER.hit(self._batches[rate_key], self._own, rate_key)
        if self.burst is None:
            return True
        with self._lock:
            self._used.add(rate_key)
            return _LIMITER.hit(self._item, self._own, rate_key)

    def hold(self, rate_key: str, seconds: float) -> None:
        """Leave a rate key alone for so long, as the destination asked."""
        until = self._clock() + seconds
        with self._lock:
            self._held_until[rate_key] = max(until, self._held_until.get(rate_key, until))


def _item(calls_per_second: float) -> RateLimitItemPerSecond:
    window_seconds = 1 if calls_per_second >= 1 else round(1 / calls_per_second)
    return RateLimitItemPerSecond(max(1, int(calls_per_second)), window_seconds)


class Breaker:
    """Open after several failures in a row; then one call at a time tries, after ever longer pauses.

    An answer with Retry-After is no failure: the destination is there and says when.
    """

    def __init__(self, clock: Monotonic = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._opened = 0
        self._next_try_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether no call should be started now."""
        return self._clock() < self._next_try_at

    @property
    def is_trying(self) -> bool:
        """Whether it has been open and no call has succeeded since."""
        return self._opened > 0

    @property
    def state(self) -> str:
        """closed, open, or half_open while single calls try."""
        if self.is_open:
            return "open"
        return "half_open" if self.is_trying else "closed"

    @property
    def next_try_in_seconds(self) -> float:
        """Seconds until the next try; 0 when one may start now."""
        return max(0.0, self._next_try_at - self._clock())

    def note(self, result: object) -> None:
        """Count the result of a call."""
        with self._lock:
            if isinstance(result, Ambiguous) or (
                isinstance(result, Retry) and result.retry_after_seconds is None
            ):
                self._fail()
            elif not isinstance(result, Retry):
                self._failures = 0
                self._opened = 0

    def _fail(self) -> None:
        self._failures += 1
        if self.is_open or (self._failures < BREAKER_OPENS_AFTER and not self._opened):
            return
        pause_seconds = min(FIRST_PAUSE_SECONDS * 2.0**self._opened, LONGEST_PAUSE_SECONDS)
        self._opened += 1
        self._failures = 0
        self._next_try_at = self._clock() + pause_seconds
