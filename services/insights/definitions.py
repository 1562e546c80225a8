"""What the figures mean: scores with their margins, changes with their significance. Pure.

Margins are those of a sample from many: 1.96 standard errors either way hold the true value in 95 of 100
cases (normal approximation). Below `LEAST_ANSWERS` that says little, and a figure is flagged as low.
"""

from dataclasses import dataclass
from math import sqrt

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
        return None if self.standard_error is None else CONFIDENCE * self.standard_error

    @property
    def is_low(self) -> bool:
        """Too few answers to say much."""
        return self.tally.answers < LEAST_ANSWERS


@dataclass(frozen=True, slots=True)
class Change:
    """The difference of two scores of one metric, the later minus the earlier."""

    value: float
    margin: float
    is_low: bool
    """One of the two stands on too few answers."""

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
    def margin(self) -> float | None:
        """Half the width of the 95 % interval, in percent; None of nothing."""
        if not self.whole:
            return None
        return CONFIDENCE * 100 * sqrt(self.part * (self.whole - self.part) / self.whole**3)

    @property
    def is_low(self) -> bool:
        """Of too few to say much."""
        return self.whole < LEAST_ANSWERS

    def exceeds(self, other: "Share") -> bool:
        """Whether it is the larger one beyond chance; never where one of the two is of too few."""
        if self.percent is None or other.percent is None or self.is_low or other.is_low:
            return False
        return self.percent - other.percent > sqrt((self.margin or 0.0) ** 2 + (other.margin or 0.0) ** 2)


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
    """How a score changed, sqrt(SE1^2 + SE2^2) being the difference's error; None where one has no answer."""
    if before.value is None or after.value is None:
        return None
    errors = (before.standard_error or 0.0) ** 2 + (after.standard_error or 0.0) ** 2
    return Change(after.value - before.value, CONFIDENCE * sqrt(errors), before.is_low or after.is_low)
