"""The SQL of the synchronisation: how far was read, what was seen of each record, whose a Case is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from services.router.follow_up_store import from_row
from services.router.salesforce.case_sync import PROGRAM, Known, Seen

Connection = psycopg.Connection[Any]

_READ_UP_TO_SQL = "SELECT read_up_to FROM salesforce_progress WHERE object = %(object)s"
# One replica at a time asks, in turns: who comes first.
_TAKE_TURN_SQL = """
INSERT INTO salesforce_progress AS p (object, polled_at) VALUES (%(object)s, clock_timestamp())
ON CONFLICT (object) DO UPDATE SET polled_at = excluded.polled_at
WHERE p.polled_at IS NULL OR p.polled_at <= clock_timestamp() - make_interval(secs => %(every_seconds)s)
"""
_NOTE_PROGRESS_SQL = """
INSERT INTO salesforce_progress AS p (object, read_up_to) VALUES (%(object)s, %(until)s)
ON CONFLICT (object) DO UPDATE SET read_up_to = greatest(p.read_up_to, excluded.read_up_to)
"""
_SEEN_SQL = """
SELECT record_id, stamp, is_closed, owner_id, status FROM salesforce_seen WHERE record_id = ANY(%(ids)s)
"""
_NOTE_SEEN_SQL = """
INSERT INTO salesforce_seen (record_id, stamp, is_closed, owner_id, status)
VALUES (%(record_id)s, %(stamp)s, %(is_closed)s, %(owner_id)s, %(status)s)
ON CONFLICT (record_id) DO UPDATE
    SET stamp = excluded.stamp, is_closed = excluded.is_closed, owner_id = excluded.owner_id,
        status = excluded.status
"""
_FORGET_SQL = "DELETE FROM salesforce_seen WHERE stamp < now() - make_interval(days => 400)"
# The follow-ups of a person whose answers stand in this Case, as the Case itself or as a comment on it. What
# the product (actor null) or a program did is nobody's decision, nor is a note.
_FOLLOW_UPS_SQL = """
SELECT f.*, (
    SELECT max(h.at) FROM follow_up_history AS h
    WHERE h.follow_up_id = f.follow_up_id AND h.what <> 'noted'
      AND NOT starts_with(h.actor, %(program)s)
) AS decided_at
FROM follow_ups AS f
WHERE f.person_key = %(person_key)s AND EXISTS (
    SELECT FROM effects AS e
    WHERE e.subject = f.subject AND e.destination = %(destination)s
      AND split_part(e.external_id, '/', 1) = %(case_id)s)
ORDER BY f.subject
"""


def lock(connection: Connection) -> None:
    """One replica at a time, so that nothing new is taken over twice."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('router salesforce sync'))")


def read_up_to(connection: Connection, kind: str) -> datetime | None:
    """The latest SystemModstamp read of an object; None before the first poll."""
    row = connection.execute(_READ_UP_TO_SQL, {"object": kind}).fetchone()
    return row[0] if row else None


def take_turn(connection: Connection, kind: str, every_seconds: float) -> bool:
    """Whether it is the caller's turn to ask for an object: nobody else took one in so many seconds."""
    values = {"object": kind, "every_seconds": every_seconds}
    return connection.execute(_TAKE_TURN_SQL, values).rowcount == 1


def note_progress(connection: Connection, kind: str, until: datetime) -> None:
    """Remember how far an object was read; it never goes back."""
    connection.execute(_NOTE_PROGRESS_SQL, {"object": kind, "until": until})


def seen(connection: Connection, record_ids: Sequence[str]) -> dict[str, Seen]:
    """What was last seen of these records."""
    rows = connection.execute(_SEEN_SQL, {"ids": list(record_ids)})
    return {row[0]: Seen(*row[1:]) for row in rows}


def note_seen(connection: Connection, record_id: str, saw: Seen) -> None:
    """Remember what was seen."""
    connection.execute(
        _NOTE_SEEN_SQL,
        {
            "record_id": record_id,
            "stamp": saw.stamp,
            "is_closed": saw.is_closed,
            "owner_id": saw.owner_id,
            "status": saw.status,
        },
    )


def forget(connection: Connection) -> None:
    """Drop what was seen of records that have not changed for more than a year."""
    connection.execute(_FORGET_SQL)


def follow_ups_of(connection: Connection, case_id: str, person_key: str, destination: str) -> list[Known]:
    """The follow-ups whose answers stand in a Case."""
    rows = connection.cursor(row_factory=dict_row).execute(
        _FOLLOW_UPS_SQL,
        {
            "case_id": case_id,
            "person_key": person_key,
            "destination": destination,
            "program": PROGRAM,
        },
    )
    return [Known(from_row(row), row["decided_at"]) for row in rows.fetchall()]
