"""A line over time with the band of its interval, laid out in percent of the drawing. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from services.insights.definitions import Interval
from services.insights.web.axis import Axis, Tick

MOST_NAMES = 6
"""So many points at most are named below the line."""


@dataclass(frozen=True, slots=True)
class Point:
    """A value and its 95 % interval; a value of None leaves a gap."""

    at: date
    name: str
    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, such as a release."""

    at: date
    name: str


@dataclass(frozen=True, slots=True)
class Dot:
    """Where a point is drawn: percent from the left, percent from the top."""

    x: float
    y: float
    point: Point


@dataclass(frozen=True, slots=True)
class LineChart:
    """What is drawn. Lines and bands are points of SVG, in percent."""

    rows: tuple[Tick, ...]
    names: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    lines: tuple[str, ...]
    bands: tuple[str, ...]
    marks: tuple[Tick, ...]


def line_chart(
    points: Sequence[Point], *, lowest: float, highest: float, marks: Iterable[Mark] = ()
) -> LineChart | None:
    """The drawing of points in order of time; None where no point has a value.

    The scale's ends are `lowest` and `highest`; intervals that reach beyond are cut there. Marks outside the
    time of the points are left out.
    """
    told = [_reach(point, lowest, highest) for point in points if point.value is not None]
    if not told:
        return None
    across = _Days(points[0].at, points[-1].at)
    up = Axis(min(low for low, _ in told), max(high for _, high in told))
    runs = [
        [Dot(across.at(point.at), _down(up, point.value), point) for point in run if point.value is not None]
        for has_value, run in groupby(points, key=lambda point: point.value is not None)
        if has_value
    ]
    every = -(-len(points) // MOST_NAMES)
    return LineChart(
        rows=tuple(Tick(round(100 - tick.at, 2), tick.text) for tick in up.ticks),
        names=tuple(Tick(across.at(point.at), point.name) for point in points[::every]),
        dots=tuple(dot for run in runs for dot in run),
        lines=tuple(_path((dot.x, dot.y) for dot in run) for run in runs),
        bands=tuple(_path(_around(run, up, lowest, highest)) for run in runs),
        marks=tuple(Tick(across.at(mark.at), mark.name) for mark in marks if across.holds(mark.at)),
    )


class _Days:
    """The axis of time, from the first day to the last."""

    def __init__(self, first: date, last: date) -> None:
        self._first, self._last = first, last

    def at(self, day: date) -> float:
        days = (self._last - self._first).days
        return round(100 * (day - self._first).days / days, 2) if days else 50.0

    def holds(self, day: date) -> bool:
        return self._first <= day <= self._last


def _reach(point: Point, lowest: float, highest: float) -> tuple[float, float]:
    ends = point.interval or Interval(point.value or 0.0, point.value or 0.0)
    return max(lowest, ends.low), min(highest, ends.high)


def _down(up: Axis, value: float) -> float:
    return round(100 - up.at(value), 2)


def _around(run: Sequence[Dot], up: Axis, lowest: float, highest: float) -> Iterator[tuple[float, float]]:
    for dot in run:
        yield dot.x, _down(up, _reach(dot.point, lowest, highest)[1])
    for dot in reversed(run):
        yield dot.x, _down(up, _reach(dot.point, lowest, highest)[0])


def _path(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)
