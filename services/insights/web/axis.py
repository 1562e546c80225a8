"""Where values lie along an axis, in percent of its length: a drawing then fits any width. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from leather.scales import Linear

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, 0 to 100 percent of its length, and what is written there."""

    at: float
    text: str


class Axis:
    """An axis that holds `low` to `high`, the larger, and begins and ends at round numbers."""

    def __init__(self, low: float, high: float) -> None:
        # Two decimals: digits that nobody sees would keep a tick from being round.
        lowest, highest = Decimal(f"{low:.2f}"), Decimal(f"{high:.2f}")
        self._scale = Linear(lowest, highest if highest > lowest else lowest + 1)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Its round numbers, from the lowest."""
        return tuple(Tick(self.at(float(one)), tick_text(one)) for one in self._scale.ticks())

    def at(self, value: float) -> float:
        """Where a value lies, in percent; values outside lie at the nearer end."""
        return min(100.0, max(0.0, round(float(self._scale.project(value, 0, 100)), 2)))


def tick_text(number: Decimal) -> str:
    """A number without needless zeros, and with a minus sign that is as wide as a plus."""
    # Plus zero: a zero of the library's may be negative.
    return f"{(number + 0).normalize():f}".replace("-", MINUS)
