"""Forgets people: what ingest holds of them goes, and what was received before does not come back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from runtime import outbox
from runtime.cloudevents import decode, to_message, traceparent_of
from runtime.consumer import Delivered
from runtime.messages import Message, Record
from runtime.tracing import child_of, new_traceparent
from schemas.erasures import ERASURE_EVENTS, ErasureDone, ErasureEvent, ErasureRequested
from schemas.profiles import ProfileChanged
from services.ingest import store
from services.ingest.acceptance import SOURCE

GROUP = "ingest-erasures"
SERVICE = "ingest"

Connection = psycopg.Connection[Any]

_KEEP_SQL = """
INSERT INTO erasures (erasure_id, request, requested_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_NOTE_SQL = """
INSERT INTO erased AS e (person_key, erased_at) SELECT unnest(%(keys)s::text[]), %(at)s
ON CONFLICT (person_key) DO UPDATE SET erased_at = greatest(e.erased_at, excluded.erased_at)
"""
# An archive's batch that began before the erasure was noted is waited for.
_ARCHIVING_SQL = "SELECT pg_advisory_xact_lock(hashtext('archive'), hashtext(current_schema()))"
_DELETE_SQL: Mapping[str, LiteralString] = {
    "webhook_calls": """
        DELETE FROM archive USING webhook_receipts AS r WHERE topic = 'ingest.raw.v1'
        AND event_id = r.raw_id::text AND r.person_key = ANY(%(keys)s) AND recorded_at <= %(at)s
    """,
    "webhook_fetches": """
        DELETE FROM webhook_fetches AS f USING webhook_receipts AS r
        WHERE f.raw_id = r.raw_id AND r.person_key = ANY(%(keys)s) AND r.received_at <= %(at)s
    """,
    "webhook_responses": "DELETE FROM webhook_responses WHERE person_key = ANY(%(keys)s)",
    "archived_events": """
        DELETE FROM archive WHERE key = ANY(%(bytes)s) AND topic <> 'customer.erasures.v1'
        AND recorded_at <= %(at)s
    """,
    "surveys": "DELETE FROM survey_requests WHERE request ->> 'person_key' = ANY(%(keys)s)",
    "outbox": """
        DELETE FROM outbox WHERE key = ANY(%(bytes)s) AND sent_at IS NOT NULL AND written_at <= %(at)s
    """,
    "salesforce_records": "DELETE FROM salesforce_records WHERE key = ANY(%(keys)s)",
    "profiles": "DELETE FROM profiles WHERE person_key = ANY(%(keys)s)",
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an erasure: records removed by service and kind."""

    request: ErasureRequested
    removed: Mapping[str, Mapping[str, int]]


def request(connection: Connection, person_key: str, now: datetime) -> ErasureRequested:
    """Asks every service to forget a person, in the caller's transaction; from now on ingest refuses them."""
    keys = store.keys_of(connection, person_key)
    asked = ErasureRequested(
        erasure_id=uuid4(),
        person_key=person_key,
        aliases=tuple(key for key in keys if key != person_key),
        requested_at=now,
    )
    connection.execute(_KEEP_SQL, (asked.erasure_id, Jsonb(asked.model_dump(mode="json")), now))
    connection.execute(_NOTE_SQL, {"keys": list(keys), "at": now})
    outbox.append(connection, [to_message(asked, source=SOURCE, traceparent=new_traceparent())])
    return asked


def again(connection: Connection, on_topic: Iterable[ErasureRequested]) -> int:
    """Asks again for every erasure, for services whose backup was restored; how many.

    Ingest's own tables may be of that backup too, and older than the last erasures: these are on the topic.
    """
    rows = connection.execute("SELECT request FROM erasures ORDER BY requested_at").fetchall()
    known = [ErasureRequested.model_validate(request) for (request,) in rows]
    asked = {one.erasure_id: one for one in (*known, *on_topic)}
    outbox.append(
        connection, [to_message(one, source=SOURCE, traceparent=new_traceparent()) for one in asked.values()]
    )
    return len(asked)


def receipt(connection: Connection, erasure_id: UUID) -> Receipt | None:
    """What the services have reported so far; None for an id that nobody asked under."""
    row = connection.execute(
        "SELECT request, done FROM erasures WHERE erasure_id = %s", (erasure_id,)
    ).fetchone()
    return Receipt(ErasureRequested.model_validate(row[0]), row[1]) if row else None


def read(record: Record) -> ErasureEvent:
    """The event in a record. Raises Undecodable."""
    return decode(record, ERASURE_EVENTS)


def apply(connection: Connection, delivered: Sequence[Delivered[ErasureEvent]]) -> None:
    """Forgets whom a batch asks to forget, and keeps what the services report."""
    for one in delivered:
        if isinstance(one.event, ErasureDone):
            connection.execute(
                "UPDATE erasures SET done = done || %s WHERE erasure_id = %s",
                (Jsonb({one.event.service: one.event.removed}), one.event.erasure_id),
            )
        else:
            outbox.append(connection, _erased(connection, one.event, traceparent_of(one.record.headers)))


def _erased(connection: Connection, asked: ErasureRequested, traceparent: str | None) -> list[Message]:
    keys = sorted({asked.person_key, *asked.aliases})
    values = {"keys": keys, "bytes": [key.encode() for key in keys], "at": asked.requested_at}
    # Asked for by a restored backup's topic, it is not known here yet.
    connection.execute(
        _KEEP_SQL, (asked.erasure_id, Jsonb(asked.model_dump(mode="json")), asked.requested_at)
    )
    connection.execute(_NOTE_SQL, values)
    connection.execute(_ARCHIVING_SQL)
    removed = {kind: connection.execute(sql, values).rowcount for kind, sql in _DELETE_SQL.items()}
    counted = {kind: count for kind, count in removed.items() if count}
    done = asked.done(SERVICE, counted, datetime.now(UTC))
    tombstones = [Message(ProfileChanged.TOPIC, key.encode(), None, ()) for key in keys]
    return [*tombstones, to_message(done, source=SOURCE, traceparent=child_of(traceparent))]
