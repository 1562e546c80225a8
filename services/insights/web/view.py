"""What a page's address says: which answers it is about and how they are shown. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Self
from urllib.parse import urlencode

from schemas.scales import Metric
from services.insights.figures import Step
from services.insights.filters import Dimension, Filter, one_of, read

MOST_DAILY_DAYS = 31
MOST_WEEKLY_DAYS = 200
_FINER = frozenset({Dimension.SCORE, Dimension.BEFORE, Dimension.ADVOCACY})
HEADLINE_DIMENSIONS = tuple(one for one in Dimension if one not in _FINER)
"""What a breakdown can be by."""


@dataclass(frozen=True, slots=True)
class View:
    """A filter, the width of a trend's points, and what a breakdown is by."""

    wanted: Filter
    step: Step
    by: Dimension

    @classmethod
    def read(cls, parameters: Iterable[tuple[str, str]], today: date) -> Self:
        """The view that an address means; without a step, one that fits the period. Raises BadFilter."""
        given = list(parameters)
        wanted = read(given, today)
        told = {name: value for name, value in given if value}
        step = one_of(Step, "step", told["step"]) if "step" in told else _step_for(wanted.days)
        by = one_of(Dimension, "by", told.get("by", Dimension.SEGMENT), HEADLINE_DIMENSIONS)
        return cls(wanted, step, by)

    def to(
        self,
        path: str,
        wanted: Filter | None = None,
        *,
        by: Dimension | None = None,
        more: Iterable[tuple[str, str]] = (),
    ) -> str:
        """The address of a page with this filter or another one, and `more` parameters of its own."""
        shown = [("step", self.step.value), ("by", (by or self.by).value)]
        return f"{path}?{urlencode([*(wanted or self.wanted).parameters(), *shown, *more])}"

    def behind(self, **chosen: str | Iterable[str]) -> str:
        """The address of the answers that also have these values, or one of several, of dimensions."""
        wanted = self.wanted
        for dimension, value in chosen.items():
            wanted = wanted.choosing(Dimension(dimension), *([value] if isinstance(value, str) else value))
        return self.to("/answers", wanted)

    def of_metric(self, metric: Metric) -> str:
        """The address of another metric's answers."""
        return self.to("/answers", replace(self.wanted, metric=metric))

    def of_stage(self, metric: Metric, stage: str) -> str:
        """The address of another metric's answers of people at one stage."""
        return self.to("/answers", replace(self.wanted.choosing(Dimension.STAGE, stage), metric=metric))

    def behind_days(self, since: date, until: date) -> str:
        """The address of the answers of other days."""
        return self.to("/answers", self.wanted.between(since, until))


def _step_for(days: int) -> Step:
    if days <= MOST_DAILY_DAYS:
        return Step.DAY
    return Step.WEEK if days <= MOST_WEEKLY_DAYS else Step.MONTH
