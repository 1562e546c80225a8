"""How customers feel along their way with us: every metric, by lifecycle stage."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from schemas.scales import Metric
from services.insights.counting import NOBODY, Counting
from services.insights.definitions import Change, Score, Tally, change, score
from services.insights.filters import Dimension, Filter

STAGES = (
    *("lead", "prospect", "trial", "new_customer", "onboarding", "adoption", "customer", "milestone"),
    *("renewal", "advocate", "lost", "churned"),
)
"""In the order of the journey; stages of other names follow in that of their names."""
PARTS = 6
"""Of the period, of about the same length, by which each stage's trend is told."""
_OF_ONE_METRIC = frozenset(
    {Dimension.GROUP, Dimension.SCORE, Dimension.BEFORE, Dimension.NEXT, Dimension.TURN}
)


@dataclass(frozen=True, slots=True)
class Feeling:
    """A metric at one stage, now and in the period before."""

    score: Score
    before: Score
    change: Change | None


@dataclass(frozen=True, slots=True)
class Stage:
    """What people at one stage say; an empty name: their stage is not known."""

    stage: str
    feelings: Mapping[Metric, Feeling]
    trend: tuple[Score, ...]
    """Of the filter's metric, in each part of the period."""


def journey(counting: Counting, wanted: Filter) -> tuple[Stage, ...]:
    """Every stage with an answer of any metric, in order; what is of one metric alone narrows nothing."""
    free = replace(wanted, chosen=tuple(one for one in wanted.chosen if one[0] not in _OF_ONE_METRIC))
    found = {metric: _by_stage(counting, replace(free, metric=metric)) for metric in Metric}
    parts = [_by_stage(counting, part) for part in parts_of(free)]
    earlier = {metric: _by_stage(counting, replace(free.before(), metric=metric)) for metric in Metric}
    stages = {stage for tallies in found.values() for stage in tallies}
    return tuple(
        Stage(
            stage,
            {
                metric: _feeling(
                    metric, found[metric].get(stage, Tally()), earlier[metric].get(stage, Tally())
                )
                for metric in Metric
            },
            tuple(score(wanted.metric, part.get(stage, Tally())) for part in parts),
        )
        for stage in sorted(stages, key=_place)
    )


def parts_of(wanted: Filter) -> tuple[Filter, ...]:
    """The filter in each part of its period, the oldest first; a short period has a part a day."""
    number = min(PARTS, wanted.days)
    begins = [wanted.since + timedelta(days=wanted.days * part // number) for part in range(number)]
    ends = [*(day - timedelta(days=1) for day in begins[1:]), wanted.until]
    return tuple(wanted.between(since, until) for since, until in zip(begins, ends, strict=True))


def _by_stage(counting: Counting, wanted: Filter) -> Mapping[str, Tally]:
    return counting.by_value(wanted, Dimension.STAGE, without=NOBODY)


def _feeling(metric: Metric, now: Tally, before: Tally) -> Feeling:
    told, earlier = score(metric, now), score(metric, before)
    return Feeling(told, earlier, change(earlier, told))


def _place(stage: str) -> tuple[int, str]:
    if not stage:
        return len(STAGES) + 1, stage
    return (STAGES.index(stage) if stage in STAGES else len(STAGES)), stage
