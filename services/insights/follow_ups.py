"""Follow-ups as rows of PostgreSQL: who has how many open, and how soon customers heard from somebody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.rows import class_row

from runtime.postgres import columns
from schemas.outcomes import FollowUpSnapshot, OutcomeRecorded
from services.insights.people import Keys

_PUT_SQL: LiteralString = """
INSERT INTO follow_ups AS known (subject, person, version, owner, team, opened_at,
    first_contact_due_at, resolve_due_at, contacted_at, resolved_at)
SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[],
    %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
ON CONFLICT (subject) DO UPDATE SET version = excluded.version, owner = excluded.owner, team = excluded.team,
    opened_at = excluded.opened_at, first_contact_due_at = excluded.first_contact_due_at,
    resolve_due_at = excluded.resolve_due_at, contacted_at = excluded.contacted_at,
    resolved_at = excluded.resolved_at
WHERE known.version < excluded.version
"""
_CONTACTED_SQL: LiteralString = """
UPDATE follow_ups SET first_contacted_at = least(first_contacted_at, given.contacted_at)
FROM unnest(%s::text[], %s::timestamptz[]) AS given (subject, contacted_at)
WHERE follow_ups.subject = given.subject
"""
_OPEN_SQL: LiteralString = """
SELECT owner, count(*) AS open,
       count(*) FILTER (WHERE opened_at > %(now)s - interval '1 day') AS since_a_day,
       count(*) FILTER (WHERE opened_at <= %(now)s - interval '1 day'
                          AND opened_at > %(now)s - interval '7 days') AS since_a_week,
       count(*) FILTER (WHERE opened_at <= %(now)s - interval '7 days') AS longer,
       count(*) FILTER (WHERE CASE WHEN contacted_at IS NULL THEN first_contact_due_at
                                   ELSE resolve_due_at END < %(now)s) AS late
FROM follow_ups WHERE resolved_at IS NULL GROUP BY owner ORDER BY count(*) DESC, owner
"""
_QUICKNESS_SQL: LiteralString = """
SELECT count(*) AS opened, count(first_contacted_at) AS contacted,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY first_contacted_at - opened_at) AS median,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY first_contacted_at - opened_at) AS slowest_tenth
FROM follow_ups WHERE (opened_at AT TIME ZONE %(zone)s)::date BETWEEN %(since)s AND %(until)s
"""


@dataclass(frozen=True, slots=True)
class Owed:
    """What somebody has not closed yet, by its age; `owner` None: nobody has it."""

    owner: str | None
    open: int
    since_a_day: int
    since_a_week: int
    longer: int
    late: int
    """Those that owe the first contact, or the end, already."""


@dataclass(frozen=True, slots=True)
class Quickness:
    """How long customers waited for the first contact, nights and weekends included; None: nobody was."""

    opened: int
    contacted: int
    median: timedelta | None
    slowest_tenth: timedelta | None
    """One in ten waited longer."""


def put(connection: Connection[Any], outcomes: Iterable[OutcomeRecorded], keys: Keys) -> None:
    """Writes how follow-ups stand by what a batch says; of two snapshots the later version holds."""
    newest: dict[str, tuple[OutcomeRecorded, FollowUpSnapshot]] = {}
    contacted: dict[str, datetime] = {}
    for event in outcomes:
        it = event.follow_up
        if it is None or keys.is_forgotten(event.person_key, it.opened_at):
            continue
        if event.subject not in newest or newest[event.subject][1].version < it.version:
            newest[event.subject] = event, it
        if it.contacted_at is not None:
            earlier = contacted.get(event.subject, it.contacted_at)
            contacted[event.subject] = min(earlier, it.contacted_at)
    if newest:
        rows = [_row(event, it, keys) for event, it in newest.values()]
        connection.execute(_PUT_SQL, columns(rows))
    if contacted:
        connection.execute(_CONTACTED_SQL, (list(contacted), list(contacted.values())))


def owed(connection: Connection[Any], now: datetime) -> list[Owed]:
    """What is open now, by who has it."""
    return connection.cursor(row_factory=class_row(Owed)).execute(_OPEN_SQL, {"now": now}).fetchall()


def quickness(connection: Connection[Any], since: date, until: date, zone: ZoneInfo) -> Quickness:
    """How soon the first contact came, of the follow-ups that were opened on these days."""
    values = {"since": since, "until": until, "zone": zone.key}
    cursor = connection.cursor(row_factory=class_row(Quickness))
    return cursor.execute(_QUICKNESS_SQL, values).fetchall()[0]


def _row(event: OutcomeRecorded, it: FollowUpSnapshot, keys: Keys) -> tuple[object, ...]:
    return (
        event.subject,
        keys.winner(event.person_key),
        it.version,
        it.owner,
        it.team,
        it.opened_at,
        it.first_contact_due_at,
        it.resolve_due_at,
        it.contacted_at,
        it.resolved_at,
    )
