"""The three survey metrics, their scales and their groups."""

from enum import StrEnum
from typing import NamedTuple


class Metric(StrEnum):
    """A standard survey question."""

    NPS = "nps"
    """How likely are you to recommend us? 0 to 10."""
    CSAT = "csat"
    """How satisfied are you? 1 to 5."""
    CES = "ces"
    """How easy was it? 1 to 7, 7 is easiest."""


class Group(StrEnum):
    """Where a score stands on its scale."""

    PROMOTER = "promoter"
    PASSIVE = "passive"
    DETRACTOR = "detractor"
    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


class Scale(NamedTuple):
    """Lowest and highest score, and the lowest scores of the middle and of the top group."""

    lowest: int
    highest: int
    middle_from: int
    top_from: int


SCALES: dict[Metric, Scale] = {
    Metric.NPS: Scale(0, 10, 7, 9),
    Metric.CSAT: Scale(1, 5, 3, 4),
    Metric.CES: Scale(1, 7, 4, 5),
}

GROUPS: dict[Metric, tuple[Group, Group, Group]] = {
    Metric.NPS: (Group.DETRACTOR, Group.PASSIVE, Group.PROMOTER),
    Metric.CSAT: (Group.NEGATIVE, Group.NEUTRAL, Group.POSITIVE),
    Metric.CES: (Group.NEGATIVE, Group.NEUTRAL, Group.POSITIVE),
}
"""A metric's groups, from the lowest scores to the highest."""


def group_of(metric: Metric, score: int) -> Group:
    """Group of a score.

    Raises ValueError when the score is not on the metric's scale.
    """
    scale = SCALES[metric]
    if not scale.lowest <= score <= scale.highest:
        raise ValueError(f"{metric} has scores from {scale.lowest} to {scale.highest}, not {score}")
    low, middle, top = GROUPS[metric]
    if score >= scale.top_from:
        return top
    return middle if score >= scale.middle_from else low
