"""What the figures mean: scores with their margins, changes with their significance. Pure.

Intervals are those of a sample from many: they hold the true value in 95 of 100 cases. Of NPS and means they
are 1.96 standard errors either way; of a share, where that would say that 0 of 3 is nothing for certain, they
are Wilson's. Below `LEAST_ANSWERS` they say little, and a figure is flagged as low.
"""

from dataclasses import dataclass
from math import hypot, sqrt

from schemas.scales import Metric

CONFIDENCE = 1.96
"""Standard errors either side that hold 95 of 100 cases."""
LEAST_ANSWERS = 30
"""Below so many a figure is flagged as low."""
PROSPECT_STAGES = frozenset({"prospect", "lead", "trial"})
"""Lifecycle stages of people who have not bought."""
LOST_STAGES = frozenset({"lost", "churned"})
"""Lifecycle stages of people who are customers no more."""
NO_CUSTOMERS = PROSPECT_STAGES | LOST_STAGES
"""Stages that the headline leaves out, and says so."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Answers of one metric by group. `total` and `squares` of the scores are those of CES alone."""

    low: int = 0
    middle: int = 0
    top: int = 0
    total: int = 0
    squares: int = 0

    @property
    def answers(self) -> int:
        """The denominator."""
        return self.low + self.middle + self.top

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.low + other.low,
            self.middle + other.middle,
            self.top + other.top,
            self.total + other.total,
            self.squares + other.squares,
        )

    def __sub__(self, other: "Tally") -> "Tally":
        return Tally(
            self.low - other.low,
            self.middle - other.middle,
            self.top - other.top,
            self.total - other.total,
            self.squares - other.squares,
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true value lies in 95 of 100 cases, both ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Score:
    """A metric over some answers.

    NPS is points from -100 to 100, CSAT a share of 0 to 100 %, CES a mean of 1 to 7; None without an answer.
    """

    metric: Metric
    tally: Tally
    value: float | None
    standard_error: float | None

    @property
    def margin(self) -> float | None:
        """Half the width of the 95 % interval, in the unit of the value."""
        ends = self.interval
        return None if ends is None else (ends.high - ends.low) / 2

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval, in the unit of the value; None without an answer."""
        if self.metric is Metric.CSAT:
            return Share(self.tally.top, self.tally.answers).interval
        if self.value is None or self.standard_error is None:
            return None
        side = CONFIDENCE * self.standard_error
        return Interval(self.value - side, self.value + side)

    @property
    def is_low(self) -> bool:
        """Too few answers to say much."""
        return self.tally.answers < LEAST_ANSWERS


@dataclass(frozen=True, slots=True)
class Change:
    """The later minus the earlier of two scores of one metric, or of two shares in percent."""

    value: float
    margin: float
    """How far the 95 % interval reaches from the value, on the side where there is no difference."""
    is_low: bool
    """One of the two stands on too few answers."""

    @property
    def interval(self) -> Interval:
        """As far to either side as towards no difference."""
        return Interval(self.value - self.margin, self.value + self.margin)

    @property
    def is_significant(self) -> bool:
        """Whether chance alone would make such a difference in fewer than 5 of 100 cases."""
        return not self.is_low and abs(self.value) > self.margin


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        """0 to 100; None of nothing."""
        return 100 * self.part / self.whole if self.whole else None

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval, in percent; None of nothing.

        Wilson's score interval: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
        Inference", Journal of the American Statistical Association 22 (1927), pages 209-212.
        """
        if not self.whole:
            return None
        squared = CONFIDENCE**2
        middle = self.part + squared / 2
        side = CONFIDENCE * sqrt(self.part * (self.whole - self.part) / self.whole + squared / 4)
        low, high = ((middle + one) / (self.whole + squared) for one in (-side, side))
        return Interval(100 * max(low, 0.0), 100 * min(high, 1.0))

    @property
    def is_low(self) -> bool:
        """Of too few to say much."""
        return self.whole < LEAST_ANSWERS

    def exceeds(self, other: "Share") -> bool:
        """Whether it is the larger one beyond chance; never where one of the two is of too few."""
        more = self.minus(other)
        return more is not None and not more.is_low and more.interval.low > 0

    def minus(self, other: "Share") -> "Difference | None":
        """By how much it is larger than another share of other answers; None where one is of nothing.

        Method 10 of R. G. Newcombe, "Interval estimation for the difference between independent proportions",
        Statistics in Medicine 17 (1998), pages 873-890: the distances from the shares to their Wilson
        intervals' ends, added in quadrature.
        """
        if self.percent is None or other.percent is None or self.interval is None or other.interval is None:
            return None
        down = hypot(self.percent - self.interval.low, other.interval.high - other.percent)
        up = hypot(self.interval.high - self.percent, other.percent - other.interval.low)
        points = self.percent - other.percent
        return Difference(points, Interval(points - down, points + up), self.is_low or other.is_low)


@dataclass(frozen=True, slots=True)
class Difference:
    """By how many percentage points a share is larger than another one."""

    points: float
    interval: Interval
    is_low: bool
    """One of the two is of too few answers."""


def score(metric: Metric, tally: Tally) -> Score:
    """The metric over answers: NPS = 100 (P - D) / n, CSAT the share of 4 and 5, CES the mean.

    Standard errors: of NPS 100 sqrt((p + d - (p - d)^2) / n), of a share 100 sqrt(p (1 - p) / n), of a mean
    sqrt(variance / n).
    """
    n = tally.answers
    if n == 0:
        return Score(metric, tally, None, None)
    if metric is Metric.NPS:
        net = tally.top - tally.low
        spread = (tally.top + tally.low) * n - net**2
        return Score(metric, tally, 100 * net / n, 100 * sqrt(spread / n**3))
    if metric is Metric.CSAT:
        return Score(metric, tally, 100 * tally.top / n, 100 * sqrt(tally.top * (n - tally.top) / n**3))
    return Score(metric, tally, tally.total / n, sqrt((tally.squares * n - tally.total**2) / n**3))


def change(before: Score, after: Score) -> Change | None:
    """How a score changed; None where one has no answer.

    The difference's error is sqrt(SE1^2 + SE2^2), save that of CSAT, which is a share.
    """
    if before.metric is Metric.CSAT:
        return change_of_share(*(Share(one.tally.top, one.tally.answers) for one in (before, after)))
    if before.value is None or after.value is None:
        return None
    errors = (before.standard_error or 0.0) ** 2 + (after.standard_error or 0.0) ** 2
    return Change(after.value - before.value, CONFIDENCE * sqrt(errors), before.is_low or after.is_low)


def change_of_share(before: Share, after: Share) -> Change | None:
    """How a share changed, in percentage points; None where one side is of nothing."""
    more = after.minus(before)
    if more is None:
        return None
    margin = more.points - more.interval.low if more.points > 0 else more.interval.high - more.points
    return Change(more.points, margin, more.is_low)
