"""Working time: how far a number of business hours reaches in somebody's calendar. Pure.

Hours are hours that pass, so a day on which clocks change is worth what it really lasts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holidays import country_holidays

HORIZON_DAYS = 366 * 50
"""How far is looked for working time before giving up."""


@dataclass(frozen=True, slots=True)
class Span:
    """Working time of a day, local; `closes` 00:00 is the end of that day."""

    opens: time
    closes: time


_Day = tuple[datetime, datetime] | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """When somebody works: `week` from Monday to Sunday, None is a day off.

    `time_zone` is an IANA name. `country` is an ISO 3166 code, also with a part of the country (`DE-BY`),
    whose public holidays are days off; None has none.
    """

    time_zone: str
    week: tuple[Span | None, ...]
    country: str | None = None
    _days: dict[date, _Day] = field(default_factory=dict, compare=False, repr=False)
    """Days looked at so far: the same week is asked for again and again."""


def due(start: datetime, hours: float, calendar: Calendar) -> datetime:
    """The UTC instant at which `hours` (0 or more) of working time have passed since `start`.

    No hours at all are over at `start`, or when work begins next. Raises ValueError for a calendar without
    working time.
    """
    left = timedelta(hours=hours)
    for opens, closes in _spans(start, calendar):
        begin = max(opens, start)
        if closes - begin >= left:
            return (begin + left).astimezone(UTC)
        left -= closes - begin
    raise ValueError(f"no working time in {calendar.time_zone} within {HORIZON_DAYS} days")


def is_open(at: datetime, calendar: Calendar) -> bool:
    """Whether `at` is working time; the moment work ends is not."""
    span = _span(at.astimezone(ZoneInfo(calendar.time_zone)).date(), calendar)
    return span is not None and span[0] <= at < span[1]


def next_opening(at: datetime, calendar: Calendar) -> datetime:
    """`at` itself in working time, else the UTC instant at which work begins next; raises as `due`."""
    return due(at, 0, calendar)


def is_day_off(day: date, country: str | None) -> bool:
    """Whether it is a public holiday there."""
    return country is not None and day in _holidays(country, day.year)


def _spans(start: datetime, calendar: Calendar) -> Iterator[tuple[datetime, datetime]]:
    first = start.astimezone(ZoneInfo(calendar.time_zone)).date()
    for days in range(HORIZON_DAYS):
        span = _span(first + timedelta(days=days), calendar)
        if span is not None and span[1] > start:
            yield span


def _span(day: date, calendar: Calendar) -> _Day:
    if day not in calendar._days:
        calendar._days[day] = _look_up(day, calendar)
    return calendar._days[day]


def _look_up(day: date, calendar: Calendar) -> _Day:
    span = calendar.week[day.weekday()]
    if span is None or is_day_off(day, calendar.country):
        return None
    last = day if span.closes > time.min else day + timedelta(days=1)
    opens, closes = _utc(day, span.opens, calendar), _utc(last, span.closes, calendar)
    # Work that lies wholly in the hour that is left out in spring has no length.
    return (opens, closes) if opens < closes else None


def _utc(day: date, at: time, calendar: Calendar) -> datetime:
    return datetime.combine(day, at, ZoneInfo(calendar.time_zone)).astimezone(UTC)


@lru_cache(maxsize=1000)
def _holidays(country: str, year: int) -> frozenset[date]:
    code, _, part = country.partition("-")
    return frozenset(country_holidays(code, subdiv=part or None, years=year))
