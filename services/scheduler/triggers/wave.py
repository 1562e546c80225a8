"""On the same dates of every year."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, pairwise
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from schemas.event import NAMESPACE, derived_id
from services.scheduler.facts import Occasion
from services.scheduler.triggers import Asking, BaseTrigger

_A_LEAP_YEAR = 2000


def _date(written: object) -> object:
    """`03-15`."""
    try:
        return date.fromisoformat(f"{_A_LEAP_YEAR}-{written}")
    except ValueError:
        raise ValueError(
            f'{written!r} is no date; expected month and day in quotes, such as "03-15"'
        ) from None


class Trigger(BaseTrigger):
    """Dates of the year."""

    KEY: ClassVar[str] = "dates"
    RECURS: ClassVar[bool] = True

    dates: Annotated[tuple[Annotated[date, BeforeValidator(_date)], ...], Field(min_length=1)]

    @property
    def least_interval(self) -> timedelta:
        """Between the two that are nearest to each other."""
        days = sorted(_in_year(day, _A_LEAP_YEAR + 1) for day in self.dates)
        days.append(_in_year(min(self.dates), _A_LEAP_YEAR + 2))
        return min(later - earlier for earlier, later in pairwise(days))

    def occasions(self, asking: Asking) -> Iterator[Occasion]:
        """The dates, without end; 29 February is the 28th in other years."""
        for year in count(asking.since.astimezone(asking.zone).year):
            for day in sorted(_in_year(day, year) for day in self.dates):
                begins = datetime.combine(day, time.min, asking.zone).astimezone(UTC)
                if begins >= asking.since:
                    yield Occasion(derived_id(NAMESPACE, "wave", day), begins)


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)
