"""The answers behind a number as a file for spreadsheets."""

from collections.abc import Iterator

from runtime.spreadsheet import csv_text
from services.insights.answers import MOST_ANSWERS, Page, Shown, behind
from services.insights.filters import Dimension, Filter
from services.insights.source import Source

COLUMNS = (
    "responded_at",
    "metric",
    "score",
    "comment",
    "person",
    "name",
    "email",
    "account_id",
    "account",
    "program",
    "channel",
    "source",
    "language",
    "themes",
    "functions",
    "sentiment",
    "response_id",
)
"""What the file's first line names."""


def lines(source: Source, wanted: Filter) -> Iterator[str]:
    """The file, in pieces; each is read when the one before has been taken, so that any number fits."""
    yield csv_text([COLUMNS])
    after = None
    counting = source.counting()
    while True:
        with source.pool.connection() as connection:
            found: Page = behind(connection, counting, wanted, limit=MOST_ANSWERS, after=after)
        yield csv_text([_row(answer) for answer in found.answers])
        after = found.after
        if after is None:
            return


def _row(answer: Shown) -> tuple[object, ...]:
    return (
        answer.responded_at.isoformat(),
        answer.metric,
        answer.score,
        answer.comment,
        answer.person,
        answer.name,
        answer.email,
        answer.account_id,
        answer.account_name,
        answer.program,
        answer.channel,
        answer.source,
        answer.language,
        ", ".join(answer.values(Dimension.THEME)),
        ", ".join(answer.values(Dimension.FUNCTION)),
        ", ".join(answer.values(Dimension.SENTIMENT)),
        answer.response_id,
    )
