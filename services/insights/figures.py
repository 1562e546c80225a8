"""The figures of a filter, counted now: scores with what they stand on, never text.

All count in one image of the answers.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from schemas.scales import GROUPS, SCALES
from services.insights.counting import NOBODY, Counting
from services.insights.definitions import NO_CUSTOMERS, Change, Score, Share, Tally, change, score
from services.insights.filters import Dimension, Filter
from services.insights.standing import DAY, FIRST

_OF_EVERYBODY = frozenset({Dimension.STAGE, Dimension.LOST_AFTER})
"""Told by these, prospects and lost customers are among the others."""


class Step(StrEnum):
    """How wide a point of a trend is. A week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Answers of a lifecycle stage that the headline leaves out."""

    stage: str
    score: Score


@dataclass(frozen=True, slots=True)
class Headline:
    """The score now, against the period of the same length before, and who is not in it."""

    score: Score
    before: Score
    change: Change | None
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """How many gave one score."""

    score: int
    group: str
    share: Share


@dataclass(frozen=True, slots=True)
class Point:
    """The score of some days; `since` and `until` are both within."""

    since: date
    until: date
    score: Score


@dataclass(frozen=True, slots=True)
class Row:
    """The score of those with one value of a dimension; an empty value: it is not known."""

    value: str
    score: Score


@dataclass(frozen=True, slots=True)
class Theme:
    """What a theme does to the score: of the answers that carry it, and of those that do not."""

    theme: str
    having: Score
    without: Score
    impact: Change | None
    """The score of all answers minus that of those without it, with the margin of having against without
    scaled to the theme's share; None where one side is empty."""
    before: Score
    """Of the answers that carried it in the period before."""
    volume: Share
    volume_before: Share
    sentiments: Mapping[str, int]
    """Answers by sentiment; the empty one: not known."""

    @property
    def is_rising(self) -> bool:
        """A larger share of the answers carries it than before, beyond chance."""
        return self.volume.exceeds(self.volume_before)


@dataclass(frozen=True, slots=True)
class Moves:
    """How many answers came into `after` from `before`, the group of the person's previous answer."""

    before: str
    after: str
    answers: int


@dataclass(frozen=True, slots=True)
class Movement:
    """Consecutive answers of one person, by group."""

    moves: tuple[Moves, ...]
    first: Tally
    """Answers of people who had not answered before."""
    up: int
    down: int
    same: int


def headline(counting: Counting, wanted: Filter) -> Headline:
    """The score of the period, how it changed, and the answers of prospects and lost customers beside it."""
    now = score(wanted.metric, counting.altogether(wanted))
    before = score(wanted.metric, counting.altogether(wanted.before()))
    return Headline(now, before, change(before, now), _left_out(counting, wanted))


def distribution(counting: Counting, wanted: Filter) -> tuple[Bar, ...]:
    """Every score of the scale, from the lowest, with how many gave it."""
    scale = SCALES[wanted.metric]
    found = counting.by_value(wanted, Dimension.SCORE)
    everything = sum(tally.answers for tally in found.values())
    low, middle, top = GROUPS[wanted.metric]
    return tuple(
        Bar(
            number,
            top if number >= scale.top_from else middle if number >= scale.middle_from else low,
            Share(found.get(str(number), Tally()).answers, everything),
        )
        for number in range(scale.lowest, scale.highest + 1)
    )


def trend(counting: Counting, wanted: Filter, step: Step = Step.DAY) -> tuple[Point, ...]:
    """The score by days, weeks or months of the period, the oldest first; also of those without an answer.

    With `rolling` in the filter, each point is a trailing window that ends with its step's last day.
    """
    spans = list(spans_of(wanted, step))
    if wanted.rolling is not None:
        width = timedelta(days=wanted.rolling.days - 1)
        spans = [(until - width, until) for _, until in spans]
    reach = wanted.between(min(since for since, _ in spans), wanted.until)
    days = counting.by_value(reach, DAY)
    sums = _running(days, reach.since, reach.until)
    return tuple(
        Point(since, until, score(wanted.metric, sums[until] - sums[since - timedelta(days=1)]))
        for since, until in spans
    )


def breakdown(counting: Counting, wanted: Filter, dimension: Dimension) -> tuple[Row, ...]:
    """The score by a dimension's values, the most answers first; by stage prospects and lost too."""
    found = counting.by_value(
        wanted, dimension, without=NOBODY if dimension in _OF_EVERYBODY else NO_CUSTOMERS
    )
    rows = (Row(value, score(wanted.metric, tally)) for value, tally in found.items())
    return tuple(sorted(rows, key=lambda row: (-row.score.tally.answers, row.value)))


def themes(counting: Counting, wanted: Filter) -> tuple[Theme, ...]:
    """The themes of the answers that fit, the most frequent first."""
    everything = counting.altogether(wanted)
    found = counting.by_value(wanted, Dimension.THEME)
    earlier = counting.by_value(wanted.before(), Dimension.THEME)
    all_before = counting.altogether(wanted.before()).answers
    felt: defaultdict[str, dict[str, int]] = defaultdict(dict)
    crossed = counting.crossed(wanted, Dimension.THEME, Dimension.SENTIMENT)
    for (theme, sentiment), answers in sorted(crossed.items()):
        felt[theme][sentiment] = answers
    rows = []
    for theme, tally in found.items():
        having, without = score(wanted.metric, tally), score(wanted.metric, everything - tally)
        before = earlier.get(theme, Tally())
        rows.append(
            Theme(
                theme=theme,
                having=having,
                without=without,
                impact=_impact(having, without),
                before=score(wanted.metric, before),
                volume=Share(tally.answers, everything.answers),
                volume_before=Share(before.answers, all_before),
                sentiments=felt[theme],
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.volume.part, row.theme)))


def movement(counting: Counting, wanted: Filter) -> Movement:
    """Where the answers that fit came from: each against the same person's previous one of the metric."""
    groups = GROUPS[wanted.metric]
    found = counting.by_value(wanted, Dimension.BEFORE)
    first = found.pop(FIRST, Tally())
    moves, turned = [], {-1: 0, 0: 0, 1: 0}
    for before in groups:
        tally = found.get(before, Tally())
        for after, answers in zip(groups, (tally.low, tally.middle, tally.top), strict=True):
            moves.append(Moves(before, after, answers))
            turned[_sign(groups.index(after) - groups.index(before))] += answers
    return Movement(tuple(moves), first, up=turned[1], down=turned[-1], same=turned[0])


def _left_out(counting: Counting, wanted: Filter) -> tuple[LeftOut, ...]:
    if not wanted.leaves_out:
        return ()
    stages = wanted.choosing(Dimension.STAGE, *sorted(NO_CUSTOMERS))
    found = counting.by_value(stages, Dimension.STAGE)
    return tuple(LeftOut(stage, score(wanted.metric, tally)) for stage, tally in sorted(found.items()))


def _impact(having: Score, without: Score) -> Change | None:
    difference = change(without, having)
    if difference is None:
        return None
    share = having.tally.answers / (having.tally.answers + without.tally.answers)
    return replace(difference, value=difference.value * share, margin=difference.margin * share)


def spans_of(wanted: Filter, step: Step) -> Iterator[tuple[date, date]]:
    """The days, weeks or months of the period, cut where it begins and ends."""
    begins = wanted.since
    while begins <= wanted.until:
        ends = min(wanted.until, _last_day(begins, step))
        yield begins, ends
        begins = ends + timedelta(days=1)


def _last_day(day: date, step: Step) -> date:
    if step is Step.DAY:
        return day
    if step is Step.WEEK:
        return day + timedelta(days=6 - day.weekday())
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _running(days: Mapping[str, Tally], since: date, until: date) -> dict[date, Tally]:
    """For each day, and the one before the first, what there is up to it."""
    day = since - timedelta(days=1)
    sums = {day: Tally()}
    while day < until:
        before, day = day, day + timedelta(days=1)
        sums[day] = sums[before] + days.get(day.isoformat(), Tally())
    return sums


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
