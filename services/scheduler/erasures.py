"""Forgets people: what the scheduler holds of them goes; that they are not to be asked stays.

What was received before an erasure and turns up later, from a late consumer or a replay, is dropped as well.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString

from psycopg import Connection

from runtime import outbox
from runtime.cloudevents import decode, to_message, traceparent_of
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.tracing import child_of
from schemas.erasures import ERASURE_EVENTS, ErasureEvent, ErasureRequested
from schemas.profiles import ProfileErased
from services.scheduler import people
from services.scheduler.app import SERVICE, SOURCE

GROUP = "scheduler-erasures"
TOPICS = (ErasureRequested.TOPIC,)

_KEYS_SQL = """
SELECT person FROM people WHERE merged_into = ANY(%(keys)s)
UNION SELECT merged_into FROM people WHERE person = ANY(%(keys)s) AND merged_into IS NOT NULL
"""
_DELETE_SQL: Mapping[str, LiteralString] = {
    "lifecycle_events": "DELETE FROM lifecycle_events WHERE person = ANY(%(keys)s) AND occurred_at <= %(at)s",
    "answers": "DELETE FROM answers WHERE person = ANY(%(keys)s) AND answered_at <= %(at)s",
    "requests": "DELETE FROM requests WHERE person = ANY(%(keys)s)",
    "due_work": "DELETE FROM due_work WHERE person = ANY(%(keys)s)",
    "decisions": "DELETE FROM decisions WHERE person = ANY(%(keys)s)",
}


def read(record: Record) -> ErasureEvent:
    """A request to forget somebody, or a service's report. Raises runtime.cloudevents.Undecodable."""
    return decode(record, ERASURE_EVENTS)


def handle(connection: Connection[Any], delivered: Sequence[Delivered[ErasureEvent]]) -> None:
    """Forgets whom a batch asks to forget, in the caller's transaction, and reports what was removed."""
    for one in delivered:
        if isinstance(one.event, ErasureRequested):
            done = one.event.done(SERVICE, erase(connection, one.event), datetime.now(UTC))
            traceparent = child_of(traceparent_of(one.record.headers))
            outbox.append(connection, [to_message(done, source=SOURCE, traceparent=traceparent)])


def erase(connection: Connection[Any], asked: ErasureRequested) -> dict[str, int]:
    """Forgets a person under all their keys; records removed, by table."""
    keys = {asked.person_key, *asked.aliases}
    keys |= {key for (key,) in connection.execute(_KEYS_SQL, {"keys": sorted(keys)})}
    people.lock(connection, keys)
    known = people.known_among(connection, keys)
    people.erase(connection, [ProfileErased(key, asked.requested_at) for key in sorted(keys)])
    values = {"keys": sorted(keys), "at": asked.requested_at}
    removed = {table: connection.execute(sql, values).rowcount for table, sql in _DELETE_SQL.items()}
    return {"people": known, **removed}
