"""The answers behind a number, newest first, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.rows import class_row
from pyroaring import BitMap

from services.insights.counting import Counting
from services.insights.filters import Filter
from services.insights.standing import DAY

MOST_ANSWERS = 500
"""Answers of one page at most."""

_SHOWN: LiteralString = """
SELECT answers.response_id, answers.person, coalesce(people.name, words.name) AS name,
       coalesce(people.email, words.email) AS email,
       coalesce(people.account_id, answers.account_id) AS account_id, accounts.name AS account_name,
       answers.metric, answers.score, answers.state, answers.responded_at, answers.received_at,
       answers.program, answers.channel, answers.source, answers.request_id, answers.order_key[1] AS revision,
       marked.marks, words.comment, words.masked_comment, words.further, words.language, words.urgency,
       words.context
FROM answers
JOIN people ON people.person = answers.person
LEFT JOIN accounts ON accounts.account_id = coalesce(people.account_id, answers.account_id)
LEFT JOIN words ON words.response_id = answers.response_id
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(dimension, value) ORDER BY dimension, value) AS marks FROM marks
    WHERE mark = ANY(answers.marks)
) AS marked ON true
"""
# An answer that was retracted after the image was made has no marks any more.
_NEXT_IDS: LiteralString = """
SELECT response_id FROM answers
WHERE place = ANY(%(places)b) AND marks <> '{}'
  AND (%(at)s::timestamptz IS NULL OR (responded_at, response_id) < (%(at)s, %(id)s::uuid))
ORDER BY responded_at DESC, response_id DESC LIMIT %(limit)s
"""
_BEHIND_SQL = (
    _SHOWN + "WHERE answers.response_id IN (" + _NEXT_IDS + ") ORDER BY responded_at DESC, response_id DESC"
)
# Words without a score, or of a page that is not finished: no figure counts them, and somebody wrote them.
_UNCOUNTED_IDS: LiteralString = """
SELECT answers.response_id FROM answers
JOIN words USING (response_id) JOIN people USING (person)
WHERE state IN ('skipped', 'provisional') AND metric = %(metric)s AND NOT people.internal
  AND (comment IS NOT NULL OR further <> '[]')
  AND responded_at >= %(since)s::date::timestamp AT TIME ZONE %(zone)s
  AND responded_at < (%(until)s::date + 1)::timestamp AT TIME ZONE %(zone)s
  AND (%(at)s::timestamptz IS NULL OR (responded_at, answers.response_id) < (%(at)s, %(id)s::uuid))
ORDER BY responded_at DESC, answers.response_id DESC LIMIT %(limit)s
"""
_UNCOUNTED_SQL = (
    _SHOWN
    + "WHERE answers.response_id IN ("
    + _UNCOUNTED_IDS
    + ") ORDER BY responded_at DESC, response_id DESC"
)
_OF_IDS_SQL = _SHOWN + "WHERE answers.response_id = ANY(%s) ORDER BY responded_at DESC, response_id DESC"
_OF_PEOPLE_SQL = _SHOWN + "WHERE answers.person = ANY(%s) ORDER BY responded_at DESC, response_id DESC"


class After(NamedTuple):
    """Where a page ends, and the next begins."""

    day: date
    responded_at: datetime
    response_id: UUID


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer with all that is shown of it."""

    response_id: UUID
    person: str
    name: str | None
    email: str | None
    account_id: str | None
    account_name: str | None
    metric: str
    score: int | None
    state: str
    """`given`, `skipped`, `provisional`, `test` or `retracted`; only what is given counts."""
    responded_at: datetime
    received_at: datetime
    program: str | None
    channel: str | None
    source: str
    request_id: UUID | None
    revision: int
    marks: Sequence[tuple[str, str]] | None
    """What it counts as: dimension and value; None while it counts for nothing."""
    comment: str | None
    masked_comment: str | None
    """The comment as many people may read it."""
    further: Sequence[tuple[str, str]] | None
    """Further questions and their answers."""
    language: str | None
    urgency: str | None
    context: dict[str, str] | None

    def values(self, dimension: str) -> tuple[str, ...]:
        """What it counts as in a dimension."""
        return tuple(value for of, value in self.marks or () if of == dimension)


@dataclass(frozen=True, slots=True)
class Page:
    """Some answers, and where the next ones begin; None: there are no more."""

    answers: tuple[Shown, ...]
    after: After | None


def behind(
    connection: Connection[Any],
    counting: Counting,
    wanted: Filter,
    *,
    limit: int = 50,
    after: After | None = None,
) -> Page:
    """The answers that fit a filter, the newest first: those that its figures count."""
    limit = min(limit, MOST_ANSWERS)
    reach = wanted.between(wanted.since, after.day) if after else wanted
    places, are_all = _enough(counting, reach, limit, after)
    values = {
        "places": places,
        "at": after.responded_at if after else None,
        "id": after.response_id if after else None,
        "limit": limit,
    }
    shown = _shown(connection, _BEHIND_SQL, values)
    if not shown or (are_all and len(shown) < limit):
        return Page(shown, None)
    last = shown[-1]
    return Page(shown, After(date.fromisoformat(last.values(DAY)[0]), last.responded_at, last.response_id))


def uncounted(
    connection: Connection[Any],
    wanted: Filter,
    zone: ZoneInfo,
    *,
    limit: int = 50,
    after: After | None = None,
) -> Page:
    """What people wrote of a metric on some days without a score, or have not finished; the newest first.

    Of the filter, only the metric and the days are looked at.
    """
    values = {
        "metric": wanted.metric,
        "since": wanted.since,
        "until": wanted.until,
        "zone": zone.key,
        "at": after.responded_at if after else None,
        "id": after.response_id if after else None,
        "limit": limit,
    }
    shown = _shown(connection, _UNCOUNTED_SQL, values)
    if len(shown) < limit:
        return Page(shown, None)
    last = shown[-1]
    return Page(shown, After(last.responded_at.astimezone(zone).date(), last.responded_at, last.response_id))


def of_people(connection: Connection[Any], persons: Sequence[str]) -> tuple[Shown, ...]:
    """Everything these people answered, counted or not, the newest first."""
    return _shown(connection, _OF_PEOPLE_SQL, (list(persons),))


def one(connection: Connection[Any], response_id: UUID) -> Shown | None:
    """One answer; None where there is none of that id."""
    return next(iter(_shown(connection, _OF_IDS_SQL, ([response_id],))), None)


def _shown(
    connection: Connection[Any], statement: LiteralString, parameters: Mapping[str, object] | tuple[object]
) -> tuple[Shown, ...]:
    cursor = connection.cursor(row_factory=class_row(Shown))
    return tuple(cursor.execute(statement, parameters).fetchall())


def _enough(counting: Counting, reach: Filter, limit: int, after: After | None) -> tuple[list[int], bool]:
    """The places of the latest days that together fill a page, and whether there are no others."""
    places, answers = BitMap(), 0
    for day, of_day in counting.newest_days(reach):
        places |= of_day
        if after is None or day != after.day:
            answers += len(of_day)
        if answers >= limit:
            return places.to_array().tolist(), False
    return places.to_array().tolist(), True
