"""What tells the happiest and the unhappiest apart from everybody else."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.scales import GROUPS
from services.insights.counting import Counting
from services.insights.definitions import Share
from services.insights.filters import Dimension, Filter

DIMENSIONS = (
    Dimension.SEGMENT,
    Dimension.COHORT,
    Dimension.ROLE,
    Dimension.STAGE,
    Dimension.PRODUCT,
    Dimension.PROGRAM,
    Dimension.CHANNEL,
    Dimension.THEME,
    Dimension.FUNCTION,
)
MOST_TRAITS = 10
"""Of one group on a page."""


@dataclass(frozen=True, slots=True)
class Trait:
    """How often a value of a dimension is met in a group, and among all other answers."""

    group: str
    dimension: Dimension
    value: str
    here: Share
    elsewhere: Share

    @property
    def is_over_represented(self) -> bool:
        """More often than elsewhere, beyond chance."""
        return self.here.exceeds(self.elsewhere)

    @property
    def points(self) -> float:
        """By how many percentage points more often than elsewhere."""
        return (self.here.percent or 0.0) - (self.elsewhere.percent or 0.0)


def traits(counting: Counting, wanted: Filter) -> tuple[Trait, ...]:
    """Every known value that an answer of the lowest or the highest group has."""
    everything = counting.altogether(wanted)
    lowest, *_, highest = GROUPS[wanted.metric]
    found = []
    for dimension in DIMENSIONS:
        having = {value: tally for value, tally in counting.by_value(wanted, dimension).items() if value}
        for value, tally in having.items():
            for group, here, whole in (
                (lowest, tally.low, everything.low),
                (highest, tally.top, everything.top),
            ):
                if here:
                    elsewhere = Share(tally.answers - here, everything.answers - whole)
                    found.append(Trait(group, dimension, value, Share(here, whole), elsewhere))
    return tuple(found)


def over_represented(found: Iterable[Trait]) -> tuple[Trait, ...]:
    """The traits met more often than elsewhere beyond chance, by group, the furthest apart first."""
    ordered = sorted(
        (one for one in found if one.is_over_represented),
        key=lambda one: (one.group, -one.points, one.dimension, one.value),
    )
    groups = dict.fromkeys(one.group for one in ordered)
    return tuple(
        one for group in groups for one in [trait for trait in ordered if trait.group == group][:MOST_TRAITS]
    )
