"""Everybody planned anew, a batch at a time: after programs changed, or something happened to all.

A sweep is a row with the last person it came to. Several schedulers take several sweeps; one that dies leaves
its row where it was.
"""

from datetime import datetime
from typing import Any

from psycopg import Connection

from services.scheduler import people
from services.scheduler.programs import Programs
from services.scheduler.replanning import replan

_BEGIN_SQL = "INSERT INTO sweeps (cause) VALUES (%s)"
_NOTE_SQL = """
INSERT INTO planned_programs (digest) VALUES (%s)
ON CONFLICT (one_row) DO UPDATE SET digest = excluded.digest WHERE planned_programs.digest <> excluded.digest
RETURNING digest
"""
_TAKE_SQL = "SELECT id, after_person FROM sweeps ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
_NEXT_SQL = "SELECT person FROM people WHERE person > %s AND merged_into IS NULL ORDER BY person LIMIT %s"
_MOVE_SQL = "UPDATE sweeps SET after_person = %s WHERE id = %s"
_END_SQL = "DELETE FROM sweeps WHERE id = %s"
_COUNT_SQL = "SELECT count(*) FROM sweeps"


def begin(connection: Connection[Any], cause: str) -> None:
    """Has everybody planned anew from the transaction's end on."""
    connection.execute(_BEGIN_SQL, (cause,))


def begin_if_changed(connection: Connection[Any], programs: Programs) -> bool:
    """Begins a sweep unless everybody was planned with these programs; says whether it did."""
    changed = connection.execute(_NOTE_SQL, (programs.digest,)).fetchone() is not None
    if changed:
        begin(connection, "programs.yaml says something else")
    return changed


def sweep(connection: Connection[Any], programs: Programs, now: datetime, *, limit: int) -> int:
    """Plans the next `limit` people of a sweep anew; returns how many, 0 when there is nothing to sweep."""
    taken = connection.execute(_TAKE_SQL).fetchone()
    if taken is None:
        return 0
    sweep_id, after = taken
    keys = [person for (person,) in connection.execute(_NEXT_SQL, (after, limit))]
    if keys:
        people.lock(connection, keys)
        replan(connection, keys, programs, now)
        connection.execute(_MOVE_SQL, (keys[-1], sweep_id))
    if len(keys) < limit:
        connection.execute(_END_SQL, (sweep_id,))
    return len(keys)


def pending(connection: Connection[Any]) -> int:
    """Sweeps that are not at their end."""
    row = connection.execute(_COUNT_SQL).fetchone()
    return int(row[0]) if row else 0
