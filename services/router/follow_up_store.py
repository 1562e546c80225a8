"""The SQL of follow-ups."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from pydantic import TypeAdapter

from services.router.follow_up import UNRESOLVED, FollowUp, State
from services.router.follow_up_commands import Entry
from services.router.follow_up_opening import first_line

Connection = psycopg.Connection[Any]

_FOLLOW_UP = TypeAdapter(FollowUp)

# Planning and commands of one subject follow one another.
_LOCK_SQL = "SELECT FROM subjects WHERE subject = %(subject)s FOR NO KEY UPDATE"
_OF_SUBJECTS_SQL = "SELECT * FROM follow_ups WHERE subject = ANY(%(subjects)s)"
_SUBJECT_SQL = "SELECT subject FROM follow_ups WHERE follow_up_id = %(id)s"
_OPEN_SQL = """
INSERT INTO follow_ups SELECT * FROM json_populate_recordset(NULL::follow_ups, %(rows)s)
"""
_UPDATE_SQL = """
UPDATE follow_ups AS f SET team = given.team, owner_id = given.owner_id, state = given.state,
    first_contact_due_at = given.first_contact_due_at, resolve_due_at = given.resolve_due_at,
    claimed_at = given.claimed_at, contacted_at = given.contacted_at, contacted_by = given.contacted_by,
    contacted_how = given.contacted_how, resolved_at = given.resolved_at, resolved_by = given.resolved_by,
    resolution = given.resolution, root_cause = given.root_cause, closed_because = given.closed_because,
    reopened_at = given.reopened_at, snoozed_until = given.snoozed_until,
    contact_breached_at = given.contact_breached_at, resolve_breached_at = given.resolve_breached_at,
    version = given.version
FROM json_populate_record(NULL::follow_ups, %(row)s) AS given WHERE f.follow_up_id = given.follow_up_id
"""
_REMEMBER_SQL = """
INSERT INTO follow_up_history (follow_up_id, version, at, actor, what, detail)
SELECT follow_up_id, version, %(now)s, actor, what, detail
FROM json_to_recordset(%(entries)s)
    AS entry (follow_up_id uuid, version bigint, actor text, what text, detail text)
"""
_HISTORY_SQL = """
SELECT at, actor, what, detail FROM follow_up_history WHERE follow_up_id = %(id)s ORDER BY version
"""
# What is due next, as `FollowUp.next_due_at` has it.
_FIND_SQL = """
SELECT * FROM (
    SELECT *, CASE WHEN contacted_at IS NULL THEN first_contact_due_at ELSE resolve_due_at END AS next_due_at
    FROM follow_ups
) AS f
WHERE (%(owner)s::text IS NULL OR owner_id = %(owner)s)
  AND (%(teams)s::text[] IS NULL OR team = ANY(%(teams)s))
  AND (%(not_owner)s::text IS NULL OR owner_id IS DISTINCT FROM %(not_owner)s)
  AND state = ANY(%(states)s)
  AND (%(due_before)s::timestamptz IS NULL OR state <> 'resolved' AND next_due_at < %(due_before)s)
  AND (%(after_due)s::timestamptz IS NULL
       OR (next_due_at, follow_up_id) > (%(after_due)s, %(after_id)s::uuid))
ORDER BY next_due_at, follow_up_id LIMIT %(limit)s
"""
_OF_OWNERS_SQL = """
SELECT * FROM follow_ups WHERE owner_id = ANY(%(owners)s) AND state <> 'resolved' ORDER BY subject
"""
_OF_STRANGERS_SQL = """
SELECT * FROM follow_ups WHERE owner_id <> ALL(%(known)s) AND state <> 'resolved' ORDER BY subject
"""
_COUNT_SQL = """
SELECT team, state, count(*), count(*) FILTER (WHERE first_contact_due_at < %(now)s AND contacted_at IS NULL),
    count(*) FILTER (WHERE resolve_due_at < %(now)s)
FROM follow_ups WHERE state <> 'resolved' GROUP BY team, state
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which follow-ups are looked for. `due_before`: only those that owe something since before then."""

    owner: str | None = None
    not_owner: str | None = None
    teams: Sequence[str] | None = None
    states: Sequence[State] = UNRESOLVED
    due_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page begins: after this due time and id."""

    due_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the history; `actor` None is the product."""

    at: datetime
    actor: str | None
    what: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """Follow-ups of one team and state that are not resolved, and how many of them owe what."""

    team: str
    state: State
    open: int
    contact_overdue: int
    resolve_overdue: int


def from_row(row: Mapping[str, Any]) -> FollowUp:
    """A follow-up from its row, also from one that travelled as JSON."""
    targets = {name: row[name] for name in ("first_contact_due_at", "resolve_due_at")}
    return _FOLLOW_UP.validate_python({**row, "id": row["follow_up_id"], "targets": targets})


def lock(connection: Connection, subject: str) -> FollowUp | None:
    """Lock a subject against planning and other commands, and read its follow-up."""
    connection.execute(_LOCK_SQL, {"subject": subject})
    return of_subjects(connection, [subject]).get(subject)


def of_subjects(connection: Connection, subjects: Sequence[str]) -> dict[str, FollowUp]:
    """The follow-ups of these subjects."""
    if not subjects:
        return {}
    rows = _rows(connection, _OF_SUBJECTS_SQL, {"subjects": list(subjects)})
    return {it.subject: it for it in map(from_row, rows)}


def subject_of(connection: Connection, id_: UUID) -> str | None:
    """The subject of the follow-up with this id."""
    row = connection.execute(_SUBJECT_SQL, {"id": id_}).fetchone()
    return row[0] if row else None


def write_opened(connection: Connection, opened: Sequence[FollowUp], now: datetime) -> None:
    """Write new follow-ups."""
    connection.execute(_OPEN_SQL, {"rows": json.dumps([_row(it) for it in opened])})
    _remember(connection, [(it, first_line(it)) for it in opened], now)


def write_changed(connection: Connection, it: FollowUp, entry: Entry, now: datetime) -> None:
    """Write a follow-up that changed, and remember what was done."""
    connection.execute(_UPDATE_SQL, {"row": json.dumps(_row(it))})
    _remember(connection, [(it, entry)], now)


def history(connection: Connection, id_: UUID) -> list[Line]:
    """What was done, oldest first."""
    return [Line(*row) for row in connection.execute(_HISTORY_SQL, {"id": id_})]


def find(connection: Connection, wish: Wish, *, limit: int, after: Page | None = None) -> list[FollowUp]:
    """Follow-ups by when they owe something next, the most urgent first."""
    rows = _rows(
        connection,
        _FIND_SQL,
        {
            "owner": wish.owner,
            "not_owner": wish.not_owner,
            "teams": list(wish.teams) if wish.teams is not None else None,
            "states": [state.value for state in wish.states],
            "due_before": wish.due_before,
            "after_due": after.due_at if after else None,
            "after_id": after.id if after else None,
            "limit": limit,
        },
    )
    return [from_row(row) for row in rows]


def of_owners(connection: Connection, owners: Sequence[str]) -> list[FollowUp]:
    """What these people have not resolved yet."""
    return [from_row(row) for row in _rows(connection, _OF_OWNERS_SQL, {"owners": list(owners)})]


def of_strangers(connection: Connection, known: Sequence[str]) -> list[FollowUp]:
    """What nobody of these owns, though it has an owner, and is not resolved."""
    return [from_row(row) for row in _rows(connection, _OF_STRANGERS_SQL, {"known": list(known)})]


def counts(connection: Connection, now: datetime) -> list[Count]:
    """How many are not resolved, and how many owe something that is overdue."""
    return [
        Count(team, State(state), *rest)
        for team, state, *rest in connection.execute(_COUNT_SQL, {"now": now})
    ]


def _remember(connection: Connection, entries: Sequence[tuple[FollowUp, Entry]], now: datetime) -> None:
    lines = [
        {
            "follow_up_id": str(it.id),
            "version": it.version,
            "actor": entry.actor,
            "what": entry.what,
            "detail": entry.detail,
        }
        for it, entry in entries
    ]
    connection.execute(_REMEMBER_SQL, {"entries": json.dumps(lines), "now": now})


def _row(it: FollowUp) -> dict[str, Any]:
    dumped: dict[str, Any] = _FOLLOW_UP.dump_python(it, mode="json")
    return {**dumped, "follow_up_id": dumped["id"], **dumped["targets"]}


def _rows(connection: Connection, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    return connection.cursor(row_factory=dict_row).execute(sql.encode(), parameters).fetchall()
