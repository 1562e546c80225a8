"""The outbox: what a transaction has to say is written with what it decided, and relayed afterwards.

One relay a service works at a time (advisory lock). It takes the unsent rows by id and never remembers a
position: ids are given before transactions commit, so a lower id can appear after a higher one.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg

from runtime.messages import Headers, Message

# `sent_at` null and `refused_cause` null: still owed.
CREATE_SQL = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea,
    headers json NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    refused_cause text
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
CREATE INDEX outbox_owed ON outbox (id) WHERE sent_at IS NULL AND refused_cause IS NULL;
"""

_APPEND_SQL = """
INSERT INTO outbox (topic, key, value, headers)
SELECT topic, key, value, headers::json
FROM unnest(%b::text[], %b::bytea[], %b::bytea[], %b::text[])
     WITH ORDINALITY AS given (topic, key, value, headers, position)
ORDER BY position
RETURNING id
"""
_OWED_SQL = """
SELECT id, topic, key, value, headers FROM outbox
WHERE sent_at IS NULL AND refused_cause IS NULL ORDER BY id LIMIT %s
"""
_SENT_SQL = "UPDATE outbox SET sent_at = clock_timestamp() WHERE id = ANY(%s)"
_REFUSED_SQL = """
UPDATE outbox SET refused_cause = given.cause
FROM unnest(%s::bigint[], %s::text[]) AS given (id, cause) WHERE outbox.id = given.id
"""
_BACKLOG_SQL = """
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(written_at)), 0)::float8
FROM outbox WHERE sent_at IS NULL AND refused_cause IS NULL
"""
# Ids and times of sending run together, so the oldest ids are looked at instead of keeping an index by time.
_SWEEP_SQL = """
DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT %(rows)s)
AND (sent_at < clock_timestamp() - make_interval(secs => %(sent)s)
     OR refused_cause IS NOT NULL AND written_at < clock_timestamp() - make_interval(secs => %(refused)s))
"""

AnyConnection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Owed:
    """A row that has not been sent."""

    id: int
    message: Message


class Progress(StrEnum):
    """How far a set of rows has come."""

    OWED = "owed"
    SENT = "sent"
    REFUSED = "refused"


def append(connection: AnyConnection, messages: Iterable[Message]) -> list[int]:
    """Adds the messages to the caller's transaction, one round trip, and returns their ids in order."""
    given = list(messages)
    if not given:
        return []
    rows = connection.execute(
        _APPEND_SQL,
        (
            [message.topic for message in given],
            [message.key for message in given],
            [message.value for message in given],
            [json.dumps(to_json(message.headers)) for message in given],
        ),
    ).fetchall()
    return sorted(row[0] for row in rows)


def progress(connection: AnyConnection, ids: Sequence[int]) -> Progress:
    """SENT when the broker has all the rows, REFUSED when it never will take one. A swept row was sent."""
    row = connection.execute(
        "SELECT bool_or(sent_at IS NULL AND refused_cause IS NULL), bool_or(refused_cause IS NOT NULL)"
        " FROM outbox WHERE id = ANY(%s)",
        (list(ids),),
    ).fetchone()
    is_owed, is_refused = row or (None, None)
    if is_refused:
        return Progress.REFUSED
    return Progress.OWED if is_owed else Progress.SENT


def owed(connection: AnyConnection, *, limit: int) -> list[Owed]:
    """The oldest unsent rows."""
    rows = connection.execute(_OWED_SQL, (limit,), binary=True).fetchall()
    return [
        Owed(id_, Message(topic, key, value, from_json(headers))) for id_, topic, key, value, headers in rows
    ]


def mark(connection: AnyConnection, *, sent: Sequence[int], refused: Sequence[tuple[int, str]]) -> None:
    """Records what became of rows."""
    if sent:
        connection.execute(_SENT_SQL, (list(sent),))
    if refused:
        connection.execute(_REFUSED_SQL, ([id_ for id_, _ in refused], [cause for _, cause in refused]))


def backlog(connection: AnyConnection) -> tuple[int, float]:
    """Unsent rows, and the age of the oldest in seconds."""
    row = connection.execute(_BACKLOG_SQL).fetchone()
    return (row[0], row[1]) if row else (0, 0.0)


def sweep(connection: AnyConnection, *, rows: int, sent_seconds: float, refused_seconds: float) -> int:
    """Deletes rows sent or refused longer ago than that, looking at the oldest `rows`; returns how many."""
    return connection.execute(
        _SWEEP_SQL, {"rows": rows, "sent": sent_seconds, "refused": refused_seconds}
    ).rowcount


def to_json(headers: Headers) -> list[tuple[str, str]]:
    """Headers as JSON can hold them."""
    # Latin-1 gives every byte a character and gets it back unchanged; headers are ASCII nearly always.
    return [(name, value.decode("latin-1")) for name, value in headers]


def from_json(headers: Iterable[tuple[str, str]]) -> Headers:
    """Headers that `to_json` made."""
    return tuple((name, value.encode("latin-1")) for name, value in headers)
