"""Every so many days. Each person has a place of their own in the interval, so answers come in evenly."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import ClassVar

from pydantic import Field

from schemas.event import NAMESPACE, derived_id
from services.scheduler.facts import Occasion
from services.scheduler.shares import share
from services.scheduler.triggers import Asking, BaseTrigger

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class Trigger(BaseTrigger):
    """An interval."""

    KEY: ClassVar[str] = "every_days"
    RECURS: ClassVar[bool] = True

    every_days: int = Field(ge=30, le=730)

    @cached_property
    def least_interval(self) -> timedelta:
        """The interval."""
        return timedelta(days=self.every_days)

    def occasions(self, asking: Asking) -> Iterator[Occasion]:
        """The person's turns, one an interval, without end."""
        key, interval = asking.person.key, self.least_interval
        begin = EPOCH + share("clock", self.every_days, key) * interval
        first = max(0, -((begin - asking.since) // interval))
        for turn in count(first):
            yield Occasion(derived_id(NAMESPACE, "turn", self.every_days, key, turn), begin + turn * interval)
