"""Whom we kept: churn by what customers had answered, what a conversion is worth, whom a contact saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from schemas.scales import GROUPS
from services.insights.counting import Counting
from services.insights.definitions import PROSPECT_STAGES, Difference, Interval, Share
from services.insights.filters import Dimension, Filter, Within
from services.insights.standing import LOST_BEFORE


@dataclass(frozen=True, slots=True)
class Churn:
    """Of the answers of one group: those whose customer was lost so soon after them."""

    group: str
    lost: Share


@dataclass(frozen=True, slots=True)
class Conversion:
    """What it is worth that one of the lowest group becomes one of the highest: the churn it keeps off."""

    churn: Difference
    """By how much more of the lowest group was lost."""
    arr: float
    """Yearly revenue of an account that it is reckoned with."""

    @property
    def value(self) -> float:
        """Yearly revenue kept."""
        return self.churn.points * self.arr / 100

    @property
    def interval(self) -> Interval:
        """Its 95 % interval."""
        ends = self.churn.interval
        return Interval(ends.low * self.arr / 100, ends.high * self.arr / 100)


@dataclass(frozen=True, slots=True)
class Activated:
    """Answers of the highest group whose person offered something, and what became of it."""

    wish: str
    offered: int
    became: Mapping[str, int]
    """Answers by the latest that the marketing platform said of their person."""

    @property
    def activated(self) -> Share:
        """Those of whom it said anything."""
        return Share(sum(self.became.values()), self.offered)


def told_by(wanted: Filter, within: Within, today: date) -> Filter:
    """The same, of the answers that lie back far enough: of the others nobody knows yet."""
    return wanted.between(wanted.since, min(wanted.until, today - timedelta(days=within.days + 1)))


def lost_within(within: Within) -> tuple[str, ...]:
    """The values of `lost_after` that are within so many days."""
    return tuple(one.value for one in Within if one.days <= within.days)


def churn(counting: Counting, wanted: Filter, within: Within, today: date) -> tuple[Churn, ...]:
    """Who was lost within so many days of an answer, by group from the lowest.

    Of customers alone: neither prospects, nor answers that came when the customer was lost already.
    """
    ripe = told_by(wanted, within, today)
    answers = counting.by_value(ripe, Dimension.GROUP, without=PROSPECT_STAGES)
    losses = counting.crossed(ripe, Dimension.GROUP, Dimension.LOST_AFTER, without=PROSPECT_STAGES)
    rows = []
    for group in GROUPS[wanted.metric]:
        everybody = answers[group].answers if group in answers else 0
        lost = sum(losses.get((group, soon), 0) for soon in lost_within(within))
        rows.append(Churn(group, Share(lost, everybody - losses.get((group, LOST_BEFORE), 0))))
    return tuple(rows)


def conversion(rows: Iterable[Churn], arr: float) -> Conversion | None:
    """What a conversion is worth by the churn of the groups; None where one of the two has no answer."""
    lowest, *_, highest = (row.lost for row in rows)
    more = lowest.minus(highest)
    return None if more is None else Conversion(more, arr)


def activated(counting: Counting, wanted: Filter) -> tuple[Activated, ...]:
    """The highest group by what people offered, the most first; who offered several is among each."""
    *_, highest = GROUPS[wanted.metric]
    happy = wanted.choosing(Dimension.GROUP, highest)
    found = counting.crossed(happy, Dimension.WISH, Dimension.ADVOCACY)
    rows = [
        Activated(
            wish,
            tally.answers,
            {status: answers for (its, status), answers in sorted(found.items()) if its == wish},
        )
        for wish, tally in counting.by_value(happy, Dimension.WISH).items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.offered, row.wish)))
