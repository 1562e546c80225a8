"""What a digest says: figures with their margins, who moved, what they said, what was changed."""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from schemas.scales import GROUPS
from services.insights import answers, closed_loop, figures
from services.insights.changed import Changed, what_changed
from services.insights.counting import Counting
from services.insights.digests import Due, Every
from services.insights.filters import Dimension, Filter
from services.insights.web.wording import NAMES, changed, day, named, percent, with_margin

MOST_THEMES, MOST_QUOTES, MOST_MOVERS, MOST_CAUSES = 3, 3, 5, 5
QUOTE_CHARACTERS = 300


def title(due: Due) -> str:
    """One line that says what it is."""
    if due.every is Every.DAY:
        return f"What customers said on {day(due.since)}"
    return f"What customers said, {day(due.since)} to {day(due.until)}"


def text(connection: Connection[Any], counting: Counting, due: Due, *, zone: ZoneInfo, address: str) -> str:
    """Paragraphs of plain text. `address` is where the pages are."""
    parts = []
    for metric in due.entry.metrics:
        wanted = due.wanted(metric)
        parts += ["\n".join(part) for part in _of_metric(connection, counting, wanted) if part]
    parts.append("\n".join(_changed(what_changed(connection, due.since, due.until, zone))))
    parts.append(f"All of it: {address}/")
    return "\n\n".join(part for part in parts if part)


def _of_metric(connection: Connection[Any], counting: Counting, wanted: Filter) -> Iterator[list[str]]:
    headline = figures.headline(counting, wanted)
    name, count = NAMES[wanted.metric], headline.score.tally.answers
    if not count:
        yield [f"{name}: nobody answered."]
        return
    yield [
        f"{name} {with_margin(headline.score)} of {count:,} answers.",
        f"Against the period before: {changed(headline.change, wanted.metric)}.",
    ]
    lowest = GROUPS[wanted.metric][0]
    heard = next(one for one in closed_loop.heard_back(counting, wanted) if one.group == lowest)
    if heard.answered.whole:
        yield [f"{percent(heard.answered)} of {heard.answered.whole:,} {lowest}s heard back from us."]
    themes = [one for one in figures.themes(counting, wanted) if one.is_rising][:MOST_THEMES]
    yield [
        f"Rising: {named(one.theme)}, {percent(one.volume)} of answers ({percent(one.volume_before)} before)"
        for one in themes
    ]
    yield list(_movers(connection, counting, wanted))
    yield list(_quotes(connection, counting, wanted))


def _movers(connection: Connection[Any], counting: Counting, wanted: Filter) -> Iterator[str]:
    lowest, _, highest = GROUPS[wanted.metric]
    fell = wanted.choosing(Dimension.BEFORE, highest).choosing(Dimension.GROUP, lowest)
    for one in answers.behind(connection, counting, fell, limit=MOST_MOVERS).answers:
        who = ", ".join(part for part in (one.name, one.account_name) if part) or "Unknown person"
        yield f"From {highest} to {lowest}: {who} ({one.score})"


def _quotes(connection: Connection[Any], counting: Counting, wanted: Filter) -> Iterator[str]:
    said = (one for one in answers.behind(connection, counting, wanted).answers if one.masked_comment)
    for one, _ in zip(said, range(MOST_QUOTES), strict=False):
        words = " ".join((one.masked_comment or "").split())
        cut = words if len(words) <= QUOTE_CHARACTERS else words[: QUOTE_CHARACTERS - 1] + "…"
        yield f"\N{LEFT DOUBLE QUOTATION MARK}{cut}\N{RIGHT DOUBLE QUOTATION MARK} ({one.score})"


def _changed(done: Changed) -> Iterator[str]:
    if done.kinds:
        told = ", ".join(f"{count} {named(kind)}" for kind, count in done.kinds.most_common())
        yield f"Because of feedback: {told}."
        yield from (f"{count} times: {cause}" for cause, count in done.causes.most_common(MOST_CAUSES))
    for release in done.releases:
        yield f"Released: {release.name}"
