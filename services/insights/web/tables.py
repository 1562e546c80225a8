"""The tables of the pages as rows of a file: figures with all their digits and what they stand on. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.scales import Metric
from services.insights.closed_loop import Cohort, HeardBack, Recovery, Response
from services.insights.definitions import Change, Interval, Score, Share
from services.insights.figures import Bar, Headline, Movement, Point, Row, Theme
from services.insights.filters import Filter
from services.insights.follow_ups import Owed
from services.insights.journey import Stage
from services.insights.releases import Effect
from services.insights.retention import Activated, Churn
from services.insights.traits import Trait
from services.insights.worth import Worth

Cells = tuple[object, ...]
_SCORE = ("{0}score", "{0}low", "{0}high", "{0}answers")
_CHANGE = ("{0}", "{0}_margin", "is_significant")
_SHARE = ("{0}", "{0}_of", "{0}_percent", "{0}_low", "{0}_high")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below the names of their columns; None is an empty cell."""

    columns: tuple[str, ...]
    rows: tuple[Cells, ...]


def scores(bars: Iterable[Bar]) -> Table:
    """How many gave each score."""
    rows = ((bar.score, bar.group, *_of_share(bar.share)) for bar in bars)
    return Table(("score", "group", *_named(_SHARE, "answers")), tuple(rows))


def trend(points: Iterable[Point]) -> Table:
    """The score of each period."""
    rows = ((point.since, point.until, *_of_score(point.score)) for point in points)
    return Table(("from", "to", *_named(_SCORE)), tuple(rows))


def releases(effects: Iterable[Effect]) -> Table:
    """The scores around each release."""
    columns = (
        "release",
        "day",
        *_named(_SCORE, "before_"),
        *_named(_SCORE, "after_"),
        *_named(_CHANGE, "change"),
    )
    rows = (
        (
            one.release.name,
            one.release.day,
            *_of_score(one.before),
            *_of_score(one.after),
            *_of_change(one.change),
        )
        for one in effects
    )
    return Table(columns, tuple(rows))


def breakdown(dimension: str, values: Iterable[Row]) -> Table:
    """The score by the values of a dimension; an empty value is not known."""
    rows = ((row.value, *_of_score(row.score)) for row in values)
    return Table((dimension, *_named(_SCORE)), tuple(rows))


def themes(found: Iterable[Theme]) -> Table:
    """What each theme does to the score, with a column for each sentiment."""
    listed = tuple(found)
    sentiments = sorted({sentiment for one in listed for sentiment in one.sentiments})
    columns = (
        "theme",
        *_named(_SHARE, "volume"),
        *_named(_SHARE, "volume_before"),
        "is_rising",
        *_named(_SCORE, "with_"),
        *_named(_SCORE, "without_"),
        *_named(_CHANGE, "impact"),
        *(f"sentiment_{one or 'not_known'}" for one in sentiments),
    )
    rows = (
        (
            one.theme,
            *_of_share(one.volume),
            *_of_share(one.volume_before),
            one.is_rising,
            *_of_score(one.having),
            *_of_score(one.without),
            *_of_change(one.impact),
            *(one.sentiments.get(sentiment, 0) for sentiment in sentiments),
        )
        for one in listed
    )
    return Table(columns, tuple(rows))


def traits(found: Iterable[Trait]) -> Table:
    """How often each trait is met in a group and elsewhere."""
    columns = ("group", "dimension", "value", *_named(_SHARE, "here"), *_named(_SHARE, "elsewhere"))
    rows = (
        (one.group, one.dimension, one.value, *_of_share(one.here), *_of_share(one.elsewhere))
        for one in found
    )
    return Table(columns, tuple(rows))


def movement(moved: Movement) -> Table:
    """How many answers came from each group into each; those of people who had not answered are a row too."""
    rows = tuple((one.before, one.after, one.answers) for one in moved.moves)
    return Table(("before", "now", "answers"), (*rows, ("first", None, moved.first.answers)))


def heard_back(groups: Iterable[HeardBack]) -> Table:
    """Who of each group heard from us."""
    rows = ((one.group, *_of_share(one.contacted), *_of_share(one.answered)) for one in groups)
    return Table(("group", *_named(_SHARE, "contacted"), *_named(_SHARE, "answered")), tuple(rows))


def owed(owners: Iterable[Owed]) -> Table:
    """Open follow-ups by who has them; an empty owner is nobody."""
    rows = ((one.owner, one.open, one.since_a_day, one.since_a_week, one.longer, one.late) for one in owners)
    return Table(("owner", "open", "less_than_a_day", "up_to_a_week", "longer", "late"), tuple(rows))


def recovery(found: Mapping[str, Recovery]) -> Table:
    """What unhappy people said the next time, by what they heard from us."""
    rows = (
        (how, one.answers, *_of_share(one.higher), *_of_share(one.converted)) for how, one in found.items()
    )
    columns = ("heard_back", "answers", *_named(_SHARE, "higher"), *_named(_SHARE, "converted"))
    return Table(columns, tuple(rows))


def headlines(found: Mapping[Metric, Headline]) -> Table:
    """Every metric, against as many days before."""
    rows = (
        (metric, *_of_score(one.score), *_of_score(one.before), *_of_change(one.change))
        for metric, one in found.items()
    )
    return Table(
        ("metric", *_named(_SCORE), *_named(_SCORE, "before_"), *_named(_CHANGE, "change")), tuple(rows)
    )


def worth(told: Worth) -> Table:
    """Whom a contact saved and what a conversion is worth, a figure a row."""
    kept = told.saved
    shares = [("saved_customers", *_of_share(kept.customers), None)]
    counts = [
        ("waiting_customers", kept.waiting),
        ("saved_accounts", kept.accounts),
        ("saved_accounts_without_revenue", kept.unknown_arr),
    ]
    money = [(f"{what}_revenue", sums) for what, sums in (("saved", kept.arr), ("credited", told.credited))]
    worth_of_one: list[Cells] = []
    if told.conversion is not None:
        more = told.conversion.churn
        ends, kept_ends = _ends(more.interval), _ends(told.conversion.interval)
        worth_of_one = [
            ("conversion_churn_points", more.points, None, None, *ends, None),
            ("conversion_revenue", told.conversion.value, None, None, *kept_ends, None),
        ]
    return Table(
        ("figure", "value", "of", "percent", "low", "high", "currency"),
        (
            *shares,
            *((name, count, *[None] * 5) for name, count in counts),
            *((name, arr, *[None] * 4, currency) for name, sums in money for currency, arr in sums),
            *worth_of_one,
        ),
    )


def churn(rows: Iterable[Churn]) -> Table:
    """Who was lost after an answer."""
    return Table(("group", *_named(_SHARE, "lost")), tuple((one.group, *_of_share(one.lost)) for one in rows))


def advocates(rows: Iterable[Activated]) -> Table:
    """What people offered, with a column for each thing that became of it."""
    listed = tuple(rows)
    statuses = sorted({status for one in listed for status in one.became})
    cells = (
        (one.wish, *_of_share(one.activated), *(one.became.get(status, 0) for status in statuses))
        for one in listed
    )
    return Table(("offer", *_named(_SHARE, "taken_up"), *statuses), tuple(cells))


def response_rate(dimension: str, found: Iterable[Response]) -> Table:
    """Who answered of those asked."""
    rows = ((one.value, *_of_share(one.answered), one.open) for one in found)
    return Table((dimension, *_named(_SHARE, "answered"), "still_open"), tuple(rows))


def response_cohorts(found: Iterable[Cohort]) -> Table:
    """Who answered of those asked at a time."""
    rows = ((one.since, one.until, *_of_share(one.response.answered), one.response.open) for one in found)
    return Table(("from", "to", *_named(_SHARE, "answered"), "still_open"), tuple(rows))


def journey(stages: Iterable[Stage]) -> Table:
    """Every metric of each stage, one a row."""
    rows = (
        (one.stage, metric, *_of_score(told.score), *_of_score(told.before), *_of_change(told.change))
        for one in stages
        for metric, told in one.feelings.items()
    )
    columns = ("stage", "metric", *_named(_SCORE), *_named(_SCORE, "before_"), *_named(_CHANGE, "change"))
    return Table(columns, tuple(rows))


def journey_trend(parts: Iterable[Filter], stages: Iterable[Stage]) -> Table:
    """The score of each stage in each part of the period."""
    periods = tuple(parts)
    rows = (
        (one.stage, part.since, part.until, *_of_score(score))
        for one in stages
        for part, score in zip(periods, one.trend, strict=True)
    )
    return Table(("stage", "from", "to", *_named(_SCORE)), tuple(rows))


def _named(columns: Iterable[str], what: str = "") -> tuple[str, ...]:
    return tuple(column.format(what) for column in columns)


def _of_score(score: Score) -> Cells:
    return score.value, *_ends(score.interval), score.tally.answers


def _of_change(change: Change | None) -> Cells:
    return (change.value, change.margin, change.is_significant) if change else (None, None, None)


def _of_share(share: Share) -> Cells:
    return share.part, share.whole, share.percent, *_ends(share.interval)


def _ends(interval: Interval | None) -> Cells:
    return (interval.low, interval.high) if interval else (None, None)
