"""A month on one page for those who were not there: figures and themes, and nobody's name or words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from psycopg import Connection

from schemas.scales import GROUPS, Metric
from services.insights import closed_loop, figures
from services.insights.changed import Changed, what_changed
from services.insights.closed_loop import HeardBack, Recovery, Response
from services.insights.counting import Counting
from services.insights.definitions import Share
from services.insights.figures import Headline, Movement, Theme
from services.insights.filters import BadFilter, Filter

MOST_THEMES = 8
_EARLIEST = date(1970, 1, 1)
_EXPECTED = "a month that has begun, such as 2026-10"


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of the reporting time zone, by its first and its last day."""

    since: date
    until: date

    @classmethod
    def of(cls, day: date) -> Self:
        """The month that a day lies in."""
        since = day.replace(day=1)
        return cls(since, (since + timedelta(days=31)).replace(day=1) - timedelta(days=1))

    @classmethod
    def read(cls, text: str | None, today: date) -> Self:
        """The month that an address names; without one, the last that has ended. Raises BadFilter."""
        if not text:
            return cls.of(today).earlier()
        try:
            month = cls.of(date.fromisoformat(f"{text}-01"))
        except (ValueError, OverflowError):
            raise BadFilter("month", _EXPECTED) from None
        if month.since > today or month.since < _EARLIEST:
            raise BadFilter("month", _EXPECTED)
        return month

    def earlier(self) -> Self:
        """The month before."""
        return self.of(self.since - timedelta(days=1))

    def later(self, today: date) -> Self | None:
        """The month after; None while it has not begun."""
        after = self.until + timedelta(days=1)
        return None if after > today else self.of(after)


@dataclass(frozen=True, slots=True)
class Review:
    """What a month was like. Movement, themes and what was heard back are those of NPS."""

    headlines: Mapping[Metric, Headline]
    """Of every metric that somebody answered, each against as many days before."""
    response: Response
    themes: Sequence[Theme]
    """The most frequent."""
    movement: Movement
    heard: Sequence[HeardBack]
    in_time: Share
    recovered: Mapping[str, Recovery]
    changed: Changed

    @property
    def lowest(self) -> str:
        """What the unhappy are called."""
        return GROUPS[Metric.NPS][0]


def review(
    connection: Connection[Any], counting: Counting, month: Month, today: date, zone: ZoneInfo
) -> Review:
    """A month's review, counted now."""
    wanted = Filter(Metric.NPS, month.since, min(month.until, today))
    return Review(
        headlines=headlines(counting, wanted.since, wanted.until),
        response=closed_loop.response(counting, wanted, today),
        themes=[one for one in figures.themes(counting, wanted) if one.theme][:MOST_THEMES],
        movement=figures.movement(counting, wanted),
        heard=closed_loop.heard_back(counting, wanted),
        in_time=closed_loop.first_contact_in_time(counting, wanted),
        recovered=closed_loop.recovery(counting, wanted),
        changed=what_changed(connection, wanted.since, wanted.until, zone),
    )


def headlines(counting: Counting, since: date, until: date) -> Mapping[Metric, Headline]:
    """Every metric that somebody answered on these days, each against as many days before."""
    told = {metric: figures.headline(counting, Filter(metric, since, until)) for metric in Metric}
    return {metric: one for metric, one in told.items() if one.score.tally.answers}
