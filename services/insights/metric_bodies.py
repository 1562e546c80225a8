"""The figures as the API tells them; what each means stands in docs/figures.md."""

from collections.abc import Mapping
from datetime import date

from pydantic import BaseModel, ConfigDict

from schemas.scales import Metric
from services.insights.filters import Within


class _Told(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Tally(_Told):
    """Answers by group; for NPS these are detractors, passives and promoters."""

    low: int
    middle: int
    top: int
    answers: int


class Interval(_Told):
    """Where the true value lies in 95 of 100 cases."""

    low: float
    high: float


class Score(_Told):
    """NPS from -100 to 100, CSAT in percent, CES from 1 to 7; `margin` is half the width of `interval`."""

    value: float | None
    margin: float | None
    interval: Interval | None
    is_low: bool
    """Fewer than 30 answers."""
    tally: Tally


class Change(_Told):
    """The later score minus the earlier one."""

    value: float
    margin: float
    is_low: bool
    is_significant: bool


class Share(_Told):
    """So many of so many."""

    part: int
    whole: int
    percent: float | None
    interval: Interval | None
    is_low: bool


class LeftOut(_Told):
    """Answers of a stage that the headline leaves out."""

    stage: str
    score: Score


class Headline(_Told):
    """The score of the period, against the one of the same length before."""

    score: Score
    before: Score
    change: Change | None
    left_out: tuple[LeftOut, ...]


class Bar(_Told):
    """How many gave one score."""

    score: int
    group: str
    share: Share


class Point(_Told):
    """The score of some days, both ends included."""

    since: date
    until: date
    score: Score


class Row(_Told):
    """The score of those with one value; the empty one: it is not known."""

    value: str
    score: Score


class Theme(_Told):
    """What a theme does to the score."""

    theme: str
    having: Score
    without: Score
    impact: Change | None
    before: Score
    volume: Share
    volume_before: Share
    is_rising: bool
    sentiments: Mapping[str, int]


class Moves(_Told):
    """Answers of one group whose person was in another one, or the same, before."""

    before: str
    after: str
    answers: int


class Movement(_Told):
    """Consecutive answers of one person."""

    moves: tuple[Moves, ...]
    first: Tally
    up: int
    down: int
    same: int


class HeardBack(_Told):
    """Who of a group heard from us."""

    group: str
    contacted: Share
    answered: Share


class Recovery(_Told):
    """What unhappy people said the next time."""

    answers: int
    higher: Share
    converted: Share


class ClosedLoop(_Told):
    """What was done about answers, and what it changed; `recovery` by what people heard from us."""

    heard_back: tuple[HeardBack, ...]
    first_contact_in_time: Share
    recovery: Mapping[str, Recovery]


class Churn(_Told):
    """Of the answers of one group: those whose customer was lost so soon after them."""

    group: str
    lost: Share


class Difference(_Told):
    """By how many percentage points more of the lowest group was lost."""

    points: float
    interval: Interval
    is_low: bool


class Conversion(_Told):
    """What it is worth a year that one of the lowest group becomes one of the highest."""

    churn: Difference
    arr: float
    value: float
    interval: Interval


class Saved(_Told):
    """People and accounts that a contact saved; `arr` by currency."""

    customers: Share
    waiting: int
    arr: tuple[tuple[str, float], ...]
    accounts: int
    unknown_arr: int


class Activated(_Told):
    """What the highest group offered, and what became of it."""

    wish: str
    offered: int
    activated: Share
    became: Mapping[str, int]


class Assumed(_Told):
    """What it was reckoned with; `arr` null: the mean of the books."""

    churned_within: Within
    saved_after_days: int
    credited_percent: float
    arr: float | None


class Retention(_Told):
    """What listening was worth; `credited` is revenue by currency."""

    assumed: Assumed
    churn: tuple[Churn, ...]
    conversion: Conversion | None
    saved: Saved
    credited: tuple[tuple[str, float], ...]
    activated: tuple[Activated, ...]


class ResponseRate(_Told):
    """Who answered of those asked; immature while some can still answer."""

    value: str
    answered: Share
    open: int
    is_immature: bool


class Cohort(_Told):
    """The surveys sent on some days, both ends included."""

    since: date
    until: date
    response: ResponseRate


class Feeling(_Told):
    """A metric at one stage, now and in the period before."""

    score: Score
    before: Score
    change: Change | None


class Stage(_Told):
    """What people at one lifecycle stage say; `trend` is of the filter's metric, in parts of the period."""

    stage: str
    feelings: Mapping[Metric, Feeling]
    trend: tuple[Score, ...]
