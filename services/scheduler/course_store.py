"""Requests in PostgreSQL whose next step has come: taken, decided upon and written in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import dict_row

from schemas.requests import SurveyRequested
from services.scheduler.course import Asked
from services.scheduler.facts import Person
from services.scheduler.projection import CLOCK_SQL
from services.scheduler.rows import PEOPLE_AND_ACCOUNTS, PERSON_COLUMNS, person_of

# What a paused program has asked is repeated when it goes on; what was not delivered is told at once.
_TAKE = """
SELECT requests.request, requests.asked_on_channel_at, requests.seen_at, requests.undelivered,
       requests.over_at, requests.version, {columns}
FROM requests JOIN ({people}) ON people.person = requests.person
WHERE requests.next_step_at <= %(now)s
  AND (undelivered IS NOT NULL OR requests.program NOT IN (SELECT program FROM paused_programs))
ORDER BY requests.next_step_at LIMIT %(limit)s
FOR UPDATE OF requests, people SKIP LOCKED
"""
_TAKE_SQL = _TAKE.format(columns=PERSON_COLUMNS, people=PEOPLE_AND_ACCOUNTS)
_WAIT_SQL = """
UPDATE requests SET next_step_at = given.at
FROM unnest(%b::uuid[], %b::timestamptz[]) AS given (request_id, at)
WHERE requests.request_id = given.request_id
"""
_GO_ON_SQL = """
UPDATE requests SET version = given.version, request = given.request::jsonb, next_step_at = %(now)s,
    contacted_at = CASE WHEN given.moved THEN %(now)s ELSE contacted_at END,
    asked_on_channel_at = CASE WHEN given.moved THEN %(now)s ELSE asked_on_channel_at END, undelivered = NULL
FROM unnest(%(ids)b::uuid[], %(versions)b::int[], %(requests)b::text[], %(moved)b::boolean[])
     AS given (request_id, version, request, moved)
WHERE requests.request_id = given.request_id
"""
_RELEASE_SQL = """
UPDATE requests SET released_at = %s, over_at = coalesce(over_at, %s), next_step_at = NULL
WHERE request_id = ANY(%s)
"""


class Taken(NamedTuple):
    """A request with the person it is about, locked."""

    asked: Asked
    person: Person


class GoneOn(NamedTuple):
    """A request's new version."""

    request: SurveyRequested
    changes_channel: bool


def take(connection: Connection[Any], now: datetime, *, limit: int) -> list[Taken]:
    """At most `limit` requests whose next step has come, locked with their people."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_taken(row) for row in cursor.execute(_TAKE_SQL, {"now": now, "limit": limit})]


def wait(connection: Connection[Any], until: Sequence[tuple[Asked, datetime | None]]) -> None:
    """Writes when requests are to be looked at again; None: never."""
    if until:
        ids = [asked.request.request_id for asked, _ in until]
        connection.execute(_WAIT_SQL, (ids, [at for _, at in until]))


def go_on(connection: Connection[Any], gone_on: Sequence[GoneOn], now: datetime) -> None:
    """Writes new versions; another channel is another contact."""
    if not gone_on:
        return
    given = {
        "now": now,
        "ids": [one.request.request_id for one in gone_on],
        "versions": [one.request.version for one in gone_on],
        "requests": [one.request.model_dump_json() for one in gone_on],
        "moved": [one.changes_channel for one in gone_on],
    }
    connection.execute(_GO_ON_SQL, given)
    connection.execute(CLOCK_SQL, ([one.request.person_key for one in gone_on],))


def release(connection: Connection[Any], released: Sequence[Taken], now: datetime) -> None:
    """Stops the clocks of requests that nobody saw."""
    if released:
        connection.execute(_RELEASE_SQL, (now, now, [one.asked.request.request_id for one in released]))
        connection.execute(CLOCK_SQL, ([one.person.key for one in released],))


def _taken(row: dict[str, Any]) -> Taken:
    request = SurveyRequested.model_validate(row["request"])
    asked = Asked(
        request=request.model_copy(update={"version": row["version"], "person_key": row["person"]}),
        asked_on_channel_at=row["asked_on_channel_at"],
        seen_at=row["seen_at"],
        is_over=row["over_at"] is not None,
        undelivered=row["undelivered"],
    )
    return Taken(asked, person_of(row))
