"""Bars in the rows of a table, in percent of the cell's width. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.insights.definitions import Interval
from services.insights.web.axis import Axis, Tick

SHADES = 5
"""Steps from an empty cell of a matrix to the fullest."""


@dataclass(frozen=True, slots=True)
class Bar:
    """From `start`, so wide; the interval reaches from `low` to `high`."""

    start: float
    width: float
    end: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar for each value, None where there is none, on one axis that holds zero."""

    bars: tuple[Bar | None, ...]
    ticks: tuple[Tick, ...]
    zero: float


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a stacked bar."""

    start: float
    width: float


def interval_bars(
    values: Sequence[tuple[float | None, Interval | None]], *, lowest: float, highest: float
) -> Bars:
    """Bars of values with their intervals, from zero; intervals are cut where the scale ends."""
    reached = [
        min(max(end, lowest), highest)
        for _, interval in values
        if interval is not None
        for end in (interval.low, interval.high)
    ]
    axis = Axis(min([0.0, *reached]), max([0.0, *reached]))
    zero = axis.at(0)

    def bar(value: float | None, interval: Interval | None) -> Bar | None:
        if value is None or interval is None:
            return None
        end = axis.at(value)
        low, high = (axis.at(min(max(side, lowest), highest)) for side in (interval.low, interval.high))
        return Bar(min(zero, end), round(abs(end - zero), 2), end, low, high)

    return Bars(tuple(bar(*one) for one in values), axis.ticks, zero)


def slices(parts: Sequence[int]) -> tuple[Slice, ...]:
    """The parts of a whole, one after another; all empty where the whole is nothing."""
    whole = sum(parts)
    if not whole:
        return tuple(Slice(0.0, 0.0) for _ in parts)
    return tuple(
        Slice(round(100 * sum(parts[:place]) / whole, 2), round(100 * part / whole, 2))
        for place, part in enumerate(parts)
    )


def shade(part: int, most: int) -> int:
    """0 for nothing, else 1 to SHADES by how near `part` comes to the largest."""
    return 0 if part <= 0 else max(1, -(-SHADES * part // most))
