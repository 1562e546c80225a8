"""Rate limits of the real services, all raised together by one factor."""

from dataclasses import dataclass
from math import ceil


@dataclass
class Factor:
    """Multiplies every limit; shared by all doubles so that one switch raises them."""

    value: float = 1.0


class TokenBucket:
    """A token bucket: `per_second` on average, `burst` at once."""

    def __init__(self, per_second: float, burst: float, factor: Factor) -> None:
        self._per_second = per_second
        self._burst = burst
        self._factor = factor
        self._tokens = burst * factor.value
        self._at: float | None = None

    def take(self, now: float) -> int:
        """Take one token at `now` (monotonic seconds); return 0, or the whole seconds to wait for one."""
        rate, burst = self._per_second * self._factor.value, max(1.0, self._burst * self._factor.value)
        if self._at is None:
            self._tokens = burst
        else:
            self._tokens = min(burst, self._tokens + (now - self._at) * rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return max(1, ceil((1 - self._tokens) / rate))
