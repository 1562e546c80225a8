"""A scheduler as in production, but its clock is wrong: `python -m bench.skewed_scheduler SECONDS`."""

import sys
from datetime import datetime, timedelta

from runtime.clock import Clock, ClockSettings, business_clock
from services.scheduler.__main__ import main


class SkewedClock:
    """Another clock, fast (or, below zero, slow) by some seconds."""

    def __init__(self, right: Clock, seconds: float) -> None:
        self._right = right
        self._skew = timedelta(seconds=seconds)

    def now(self) -> datetime:
        """Aware UTC."""
        return self._right.now() + self._skew


def skewed(settings: ClockSettings) -> Clock:
    """The configured clock, wrong by as many seconds as the command line says."""
    return SkewedClock(business_clock(settings), float(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main(skewed))
