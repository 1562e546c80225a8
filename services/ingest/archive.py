"""The archive: every record of every event topic, as it was, by month and by key.

It outlives the topics: projections are rebuilt from it (`feedback republish`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.errors import UniqueViolation
from psycopg.sql import SQL, Composed
from psycopg.types.json import Json

from runtime import outbox, partitions
from runtime.cloudevents import event_id_of
from runtime.consumer import Delivered
from runtime.messages import Message, Record, header
from schemas.erasures import ErasureRequested
from schemas.topics import TOPICS as EVENT_TOPICS
from services.ingest import store

GROUP = "ingest-archive"
TOPICS = tuple(topic.name for topic in EVENT_TOPICS)
MAX_RECORDS = 2_000
"""A batch of the consumer."""
_READ_ROWS = 500
# An erasure takes it alone: it deletes what a batch before it has written, and no batch after it writes.
_ARCHIVING_SQL = "SELECT pg_advisory_xact_lock_shared(hashtext('archive'), hashtext(current_schema()))"

Connection = psycopg.Connection[Any]
Row = tuple[datetime, str, int, int, bytes | None, str | None, str | None, Json, bytes | None]

_COLUMNS = SQL(
    "archive (recorded_at, topic, partition, record_offset, key, event_id, event_type, headers, value)"
)
_COLUMN_TYPES = ("timestamptz", "text", "int4", "int8", "bytea", "text", "text", "json", "bytea")
_COPY_SQL = SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(_COLUMNS)
_INSERT_SQL = SQL("INSERT INTO {} VALUES (%b, %b, %b, %b, %b, %b, %b, %b, %b) ON CONFLICT DO NOTHING").format(
    _COLUMNS
)
_CHOSEN_SQL = SQL(
    "FROM archive WHERE topic = %(topic)s AND recorded_at >= %(since)s AND event_type = ANY(%(types)s)"
    " AND (%(keys)s::bytea[] IS NULL OR key = ANY(%(keys)s))"
    " AND (%(after_at)s::timestamptz IS NULL"
    " OR (recorded_at, partition, record_offset) > (%(after_at)s, %(after_partition)s, %(after_offset)s))"
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Records of one topic and of these types since a time; of these keys only, unless they are None.

    Tombstones, which have no type, are none of them.
    """

    topic: str
    types: Sequence[str]
    since: datetime
    keys: Sequence[bytes] | None = None
    after: "Place | None" = None
    """Only what comes after it in the order of reading."""


class Place(NamedTuple):
    """Where in the order of reading a record stands."""

    recorded_at: datetime
    partition: int
    offset: int


def as_it_is(record: Record) -> Record:
    """The record itself: what no reader understands is kept too."""
    return record


def keep(connection: Connection, delivered: Sequence[Delivered[Record]]) -> None:
    """Writes a batch in the caller's transaction; what is there already stays as it is.

    What was recorded of a person before they were erased is left out, however late it is read.
    """
    connection.execute(_ARCHIVING_SQL)
    erased = store.erased(connection, {_text(one.record.key) for one in delivered})
    rows = [_row(one.record) for one in delivered if not _is_forgotten(one.record, erased)]
    # Before anything is written: a partition is made under a lock that no writer shares.
    _ensure_months(connection, {partitions.month_of(one.record.timestamp) for one in delivered})
    try:
        with connection.transaction():
            _copy(connection, rows)
    except UniqueViolation:
        # A batch read twice, after a crash between the transaction and the commit of the offsets.
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT_SQL, rows)


def count(connection: Connection, choice: Choice) -> int:
    """How many records a choice holds."""
    [(found,)] = connection.execute(_select(SQL("SELECT count(*)")), _parameters(choice)).fetchall()
    return int(found)


def read(connection: Connection, choice: Choice) -> Iterator[Message]:
    """The records of a choice, of each key the oldest first, a few hundred in memory at a time."""
    return (message for _, message in read_places(connection, choice))


def read_places(connection: Connection, choice: Choice) -> Iterator[tuple[Place, Message]]:
    """As `read`, each with where to go on after it."""
    statement = _select(
        SQL("SELECT recorded_at, partition, record_offset, topic, key, value, headers")
    ) + SQL(" ORDER BY recorded_at, partition, record_offset")
    with connection.cursor("archive") as cursor:
        cursor.itersize = _READ_ROWS
        for *place, topic, key, value, headers in cursor.execute(statement, _parameters(choice)):
            yield Place(*place), Message(topic, key or b"", value, outbox.from_json(headers))


def _select(what: SQL) -> Composed:
    return what + SQL(" ") + _CHOSEN_SQL


def _parameters(choice: Choice) -> dict[str, object]:
    keys = None if choice.keys is None else list(choice.keys)
    after = choice.after
    return {
        "topic": choice.topic,
        "types": list(choice.types),
        "since": choice.since,
        "keys": keys,
        "after_at": after.recorded_at if after else None,
        "after_partition": after.partition if after else None,
        "after_offset": after.offset if after else None,
    }


def _ensure_months(connection: Connection, months: set[datetime]) -> None:
    names = [f"archive_{month:%Y_%m}" for month in sorted(months)]
    [(are_there,)] = connection.execute(
        "SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest(%s::text[]) AS given (name)", (names,)
    ).fetchall()
    if not are_there:
        partitions.ensure_months(connection, "archive", sorted(months))


def _copy(connection: Connection, rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor, cursor.copy(_COPY_SQL) as copy:
        copy.set_types(_COLUMN_TYPES)
        for row in rows:
            copy.write_row(row)


def _row(record: Record) -> Row:
    return (
        record.timestamp,
        record.topic,
        record.partition,
        record.offset,
        record.key,
        _storable(event_id_of(record.headers)),
        _storable((header(record.headers, "ce_type") or b"").decode("utf-8", "replace")),
        Json(outbox.to_json(record.headers)),
        record.value,
    )


def _is_forgotten(record: Record, erased: Mapping[str, datetime]) -> bool:
    at = erased.get(_text(record.key))
    return at is not None and record.timestamp <= at and record.topic != ErasureRequested.TOPIC


def _text(key: bytes | None) -> str:
    return (key or b"").decode("utf-8", "replace").replace("\x00", "")


def _storable(text: str | None) -> str | None:
    return text.replace("\x00", "") or None if text else None
