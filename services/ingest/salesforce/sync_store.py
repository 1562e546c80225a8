"""The SQL of reading Salesforce: how far each object was read, and what was taken of each record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.ingest.store import Connection

# Another map of an object: its records are read again from the beginning.
_FORGET_READING_SQL = "DELETE FROM salesforce_progress WHERE object = %(object)s AND map <> %(map)s"
_FORGET_STAMPS_SQL = "UPDATE salesforce_records SET stamp = NULL WHERE object = %(object)s"
_READ_UP_TO_SQL = "SELECT read_up_to FROM salesforce_progress WHERE object = %(object)s"
_NOTE_PROGRESS_SQL = """
INSERT INTO salesforce_progress AS p (object, map, read_up_to) VALUES (%(object)s, %(map)s, %(until)s)
ON CONFLICT (object) DO UPDATE SET read_up_to = greatest(p.read_up_to, excluded.read_up_to)
"""
_TAKEN_SQL = """
SELECT record_id, stamp, key, told FROM salesforce_records
WHERE object = %(object)s AND record_id = ANY(%(ids)s)
"""
_OF_OTHERS_SQL = """
SELECT DISTINCT key FROM salesforce_records
WHERE object = %(object)s AND key = ANY(%(keys)s) AND record_id <> ALL(%(ids)s)
"""
_NOTE_SQL = """
INSERT INTO salesforce_records (object, record_id, stamp, key, told)
SELECT %(object)s, *
FROM unnest(%(ids)s::text[], %(stamps)s::timestamptz[], %(keys)s::text[], %(told)s::text[])
ON CONFLICT (object, record_id) DO UPDATE
    SET stamp = excluded.stamp, key = excluded.key, told = excluded.told
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken of a record: as it stood at `stamp`, about whom (`key`), and what was told of it."""

    record_id: str
    stamp: datetime | None
    key: str | None = None
    told: str | None = None


def read_up_to(connection: Connection, kind: str, digest: str) -> datetime | None:
    """The latest SystemModstamp read of an object; None at first, and after its map changed."""
    values = {"object": kind, "map": digest}
    with connection.transaction():
        if connection.execute(_FORGET_READING_SQL, values).rowcount:
            connection.execute(_FORGET_STAMPS_SQL, values)
    row = connection.execute(_READ_UP_TO_SQL, values).fetchone()
    return row[0] if row else None


def note_progress(connection: Connection, kind: str, digest: str, until: datetime) -> None:
    """Remembers how far an object was read; it never goes back."""
    connection.execute(_NOTE_PROGRESS_SQL, {"object": kind, "map": digest, "until": until})


def taken(connection: Connection, kind: str, record_ids: Sequence[str]) -> dict[str, Taken]:
    """What was taken of these records."""
    rows = connection.execute(_TAKEN_SQL, {"object": kind, "ids": list(record_ids)})
    return {record_id: Taken(record_id, *rest) for record_id, *rest in rows}


def of_other_records(
    connection: Connection, kind: str, keys: Sequence[str], record_ids: Sequence[str]
) -> set[str]:
    """Those of the keys that records besides these stand for."""
    rows = connection.execute(_OF_OTHERS_SQL, {"object": kind, "keys": list(keys), "ids": list(record_ids)})
    return {key for (key,) in rows}


def note(connection: Connection, kind: str, records: Iterable[Taken]) -> None:
    """Remembers what was taken."""
    given = list(records)
    connection.execute(
        _NOTE_SQL,
        {
            "object": kind,
            "ids": [one.record_id for one in given],
            "stamps": [one.stamp for one in given],
            "keys": [one.key for one in given],
            "told": [one.told for one in given],
        },
    )
