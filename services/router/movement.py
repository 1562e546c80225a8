"""How a person's score moved: consecutive scored answers of one metric, by when they were given. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.scales import Group, Metric, group_of

SHOWN_BEFORE = 3
"""Earlier scores that facts carry."""


class Movement(StrEnum):
    """From the previous scored answer of the metric to this one."""

    FIRST = "first"
    UP = "up"
    DOWN = "down"
    SAME = "same"


class Crossing(StrEnum):
    """The group that a score came into from another one; the lowest group of CSAT and CES counts as
    detractors, the middle one as passives, the highest as promoters.
    """

    TO_DETRACTOR = "to_detractor"
    TO_PASSIVE = "to_passive"
    TO_PROMOTER = "to_promoter"


@dataclass(frozen=True, slots=True)
class Score:
    """A scored answer that counts."""

    subject: str
    metric: Metric
    score: int
    responded_at: datetime

    @property
    def group(self) -> Group:
        """The group that the score is in."""
        return group_of(self.metric, self.score)


_CROSSINGS = {
    Group.DETRACTOR: Crossing.TO_DETRACTOR,
    Group.NEGATIVE: Crossing.TO_DETRACTOR,
    Group.PASSIVE: Crossing.TO_PASSIVE,
    Group.NEUTRAL: Crossing.TO_PASSIVE,
    Group.PROMOTER: Crossing.TO_PROMOTER,
    Group.POSITIVE: Crossing.TO_PROMOTER,
}


def before(
    scores: Iterable[Score], *, subject: str, metric: Metric, responded_at: datetime
) -> tuple[Score, ...]:
    """The latest of a person's scores of this metric given before this answer, newest first.

    Of two answers given at one moment the subject decides, so that each has the same place in every replay.
    """
    place = (responded_at, subject)
    earlier = [
        score
        for score in scores
        if score.metric is metric and score.subject != subject and _place(score) < place
    ]
    return tuple(sorted(earlier, key=_place, reverse=True)[:SHOWN_BEFORE])


@dataclass(frozen=True, slots=True)
class Around:
    """The other answers around one that count by now: the latest before it, newest first, and the newest of
    those after it.
    """

    earlier: tuple[Score, ...] = ()
    later: Score | None = None


def around(scores: Iterable[Score], *, subject: str, metric: Metric, responded_at: datetime) -> Around:
    """What a person's scores of this metric are, seen from one answer."""
    known = set(scores)
    later = [score for score in known if score.metric is metric and _place(score) > (responded_at, subject)]
    return Around(
        earlier=before(known, subject=subject, metric=metric, responded_at=responded_at),
        later=max(later, key=_place, default=None),
    )


def movement(score: int, previous: Score | None) -> Movement:
    """Where a score went from the previous one."""
    if previous is None:
        return Movement.FIRST
    if score == previous.score:
        return Movement.SAME
    return Movement.UP if score > previous.score else Movement.DOWN


def crossed(score: int, previous: Score | None) -> Crossing | None:
    """The group a score came into, None where it is the group of the previous one, or where none was."""
    if previous is None:
        return None
    group = group_of(previous.metric, score)
    return None if group is previous.group else _CROSSINGS[group]


def _place(score: Score) -> tuple[datetime, str]:
    return score.responded_at, score.subject
