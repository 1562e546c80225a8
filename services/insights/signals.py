"""What alerts are raised from: scores, shares of the unhappy and themes, against the period before."""

from collections.abc import Iterator
from datetime import date, timedelta

from schemas.scales import GROUPS
from services.insights import figures
from services.insights.counting import Counting
from services.insights.definitions import Change, Share, Tally, change, change_of_share, score
from services.insights.digests import DigestEntry, filter_of
from services.insights.episodes import WATCHED_DAYS, Signal
from services.insights.filters import Dimension, Filter
from services.insights.web.wording import NAMES, changed, named, number


def signals(counting: Counting, entry: DigestEntry, today: date) -> Iterator[Signal]:
    """Everything that a team watches, whether it changed or not."""
    until = today - timedelta(days=1)
    for metric in entry.metrics:
        wanted = filter_of(entry, metric, until - timedelta(days=WATCHED_DAYS - 1), until)
        for dimension in entry.alert_by:
            yield from _of_dimension(counting, wanted, dimension)
        if entry.alert_by:
            yield from _of_themes(counting, wanted)


def _of_dimension(counting: Counting, wanted: Filter, dimension: Dimension) -> Iterator[Signal]:
    before = counting.by_value(wanted.before(), dimension)
    lowest = GROUPS[wanted.metric][0]
    for value, now in counting.by_value(wanted, dimension).items():
        then = before.get(value, Tally())
        where = f"{named(dimension.value)} {named(value)}"
        moved = change(score(wanted.metric, then), score(wanted.metric, now))
        if moved is not None:
            words = f"{NAMES[wanted.metric]} of {where}: {changed(moved, wanted.metric)}"
            yield _signal(f"score {wanted.metric} {dimension} {value}", words, moved)
        unhappy = change_of_share(Share(then.low, then.answers), Share(now.low, now.answers))
        if unhappy is not None:
            yield _signal(
                f"{lowest} {wanted.metric} {dimension} {value}",
                f"Share of {lowest}s of {where}: {_points(unhappy)}",
                unhappy,
            )


def _of_themes(counting: Counting, wanted: Filter) -> Iterator[Signal]:
    for theme in figures.themes(counting, wanted):
        moved = change_of_share(theme.volume_before, theme.volume)
        if moved is not None:
            words = f"Answers that speak of {named(theme.theme)}: {_points(moved)}"
            yield _signal(f"theme {wanted.metric} {theme.theme}", words, moved)


def _signal(watched: str, words: str, moved: Change) -> Signal:
    return Signal(f"{watched} {'up' if moved.value > 0 else 'down'}", words, moved)


def _points(moved: Change) -> str:
    told = f"{number(moved.value, signed=True)} ± {number(moved.margin)}"
    return f"{told} points of percent"
