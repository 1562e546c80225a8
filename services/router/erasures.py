"""Forgets people: what is outside is taken back, what is stored of them goes, ids are left.

The skeletons keep a replay from alerting again, and what was received before the erasure is never planned.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg

from runtime import outbox
from runtime.cloudevents import decode as decode_event
from runtime.cloudevents import to_message, traceparent_of
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.tracing import child_of
from schemas.erasures import ERASURE_EVENTS, ErasureEvent, ErasureRequested
from services.router.outcomes import SOURCE

Connection = psycopg.Connection[Any]

TOPICS = (ErasureRequested.TOPIC,)
SERVICE = "router"
ERASED = "erased"
"""What ended an effect of somebody who was erased: neither planning nor an operator brings it back."""

# Planning and erasing follow one another, so that no batch plans what it read before an erasure.
_PLANNING_SQL = "SELECT pg_advisory_xact_lock_shared(hashtext('router erasures'))"
_ERASING_SQL = "SELECT pg_advisory_xact_lock(hashtext('router erasures'))"
_AMONG_SQL = "SELECT person_key, erased_at FROM erasures WHERE person_key = ANY(%(keys)s)"
_NOTE_SQL = """
INSERT INTO erasures AS e (person_key, erased_at) SELECT unnest(%(keys)s::text[]), %(at)s
ON CONFLICT (person_key) DO UPDATE SET erased_at = greatest(e.erased_at, excluded.erased_at)
"""
# All keys that the person was known by.
_KEYS_SQL = """
SELECT person_key FROM profiles WHERE merged_into = ANY(%(keys)s)
UNION SELECT merged_into FROM profiles WHERE person_key = ANY(%(keys)s) AND merged_into IS NOT NULL
"""
# Reads every subject: an index on the person would cost every answer what only an erasure needs. An answer
# that was received later is somebody's new beginning.
_SUBJECTS_SQL = """
SELECT subject FROM subjects WHERE person_key = ANY(%(keys)s) AND NOT EXISTS (
    SELECT FROM effects AS e WHERE e.subject = subjects.subject AND e.received_at > %(at)s)
ORDER BY subject FOR NO KEY UPDATE
"""
# What stands outside, or may, is to be retracted; its content goes with the retraction's completion.
_RETRACT_SQL = """
WITH found AS MATERIALIZED (
    SELECT subject, action, effect_id FROM effects WHERE subject = ANY(%(subjects)s)
    ORDER BY subject, action FOR NO KEY UPDATE
), standing AS (
    SELECT e.subject, e.action FROM effects AS e JOIN found USING (subject, action)
    LEFT JOIN pending AS p ON p.effect_id = e.effect_id
    WHERE e.ended_by IS DISTINCT FROM %(erased)s AND e.content <> '{}'
      AND (e.outside IN ('present', 'unknown') OR p.lease IS NOT NULL OR p.in_doubt)
), unwanted AS (
    UPDATE effects AS e SET wanted = 'absent', desired_version = e.desired_version + 1, status = 'pending',
        reason = NULL, ended_by = %(erased)s, changed_at = clock_timestamp()
    FROM standing WHERE e.subject = standing.subject AND e.action = standing.action
    RETURNING e.effect_id, e.subject, e.action, e.destination, e.order_key, e.rate_key
)
INSERT INTO pending (effect_id, subject, action, destination, order_key, rate_key, due_at)
SELECT effect_id, subject, action, destination, order_key, rate_key, clock_timestamp() FROM unwanted
ON CONFLICT (effect_id) DO NOTHING
"""
_UNQUEUE_SQL = """
DELETE FROM pending USING effects AS e
WHERE e.subject = ANY(%(subjects)s) AND pending.effect_id = e.effect_id
  AND e.ended_by IS DISTINCT FROM %(erased)s
"""
_STRIP_SQL = """
UPDATE effects SET content = '{}', reason = NULL, account_id = NULL, program = NULL, channel = NULL,
    received_at = NULL, wanted = 'absent', sent_version = desired_version, ended_by = %(erased)s,
    status = CASE WHEN status IN ('scheduled', 'pending') THEN 'withheld' ELSE status END
WHERE subject = ANY(%(subjects)s) AND ended_by IS DISTINCT FROM %(erased)s
"""
_DELETE_SQL: Mapping[str, LiteralString] = {
    "plans": "DELETE FROM plans WHERE subject = ANY(%(subjects)s)",
    "timers": "DELETE FROM timers WHERE subject = ANY(%(subjects)s)",
    "follow_ups": "DELETE FROM follow_ups WHERE subject = ANY(%(subjects)s)",
    "slack_drafts": "DELETE FROM slack_drafts WHERE subject = ANY(%(subjects)s)",
    "shown_cards": "DELETE FROM shown_cards WHERE subject = ANY(%(subjects)s)",
    "scores": "DELETE FROM scores WHERE person_key = ANY(%(keys)s) AND responded_at <= %(at)s",
    "asks": "DELETE FROM asks WHERE person_key = ANY(%(keys)s) AND asked_at <= %(at)s",
    "match_reviews": "DELETE FROM match_reviews WHERE person_key = ANY(%(keys)s)",
}


def decode(record: Record) -> ErasureEvent:
    """A request to forget somebody, or a service's receipt; raises runtime.cloudevents.Undecodable."""
    return decode_event(record, ERASURE_EVENTS)


def handle(connection: Connection, delivered: Sequence[Delivered[ErasureEvent]]) -> None:
    """Forget whom a batch asks to forget, in the caller's transaction, and report what was removed."""
    for one in delivered:
        if isinstance(one.event, ErasureRequested):
            done = one.event.done(SERVICE, erase(connection, one.event), datetime.now(UTC))
            traceparent = child_of(traceparent_of(one.record.headers))
            outbox.append(connection, [to_message(done, source=SOURCE, traceparent=traceparent)])


def erase(connection: Connection, request: ErasureRequested) -> dict[str, int]:
    """Forget a person; records removed, by table. What is outside keeps its content until taken back."""
    connection.execute(_ERASING_SQL)
    keys = {request.person_key, *request.aliases}
    keys |= {key for (key,) in connection.execute(_KEYS_SQL, {"keys": sorted(keys)})}
    values: dict[str, object] = {"keys": sorted(keys), "at": request.requested_at, "erased": ERASED}
    connection.execute(_NOTE_SQL, values)
    values["subjects"] = [subject for (subject,) in connection.execute(_SUBJECTS_SQL, values)]
    retracted = connection.execute(_RETRACT_SQL, values).rowcount
    connection.execute(_UNQUEUE_SQL, values)
    removed = {"effects": retracted + connection.execute(_STRIP_SQL, values).rowcount}
    for table, sql in _DELETE_SQL.items():
        removed[table] = connection.execute(sql, values).rowcount
    return removed


def among(connection: Connection, person_keys: Sequence[str]) -> dict[str, datetime]:
    """When which of these people were erased. Nobody else is before the caller's transaction has ended."""
    with connection.pipeline():
        connection.execute(_PLANNING_SQL)
        found = connection.execute(_AMONG_SQL, {"keys": list(person_keys)})
    return dict(found.fetchall())
