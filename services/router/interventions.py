"""What an operator changes in the ledger: deliver again, give up, leave a destination alone for a while."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import psycopg

from runtime import outbox
from services.router import claiming, completing
from services.router.attempt import in_doubt, withhold
from services.router.erasures import ERASED
from services.router.history import place_of
from services.router.ledger import Completion
from services.router.outcomes import of_completion

Connection = psycopg.Connection[Any]

CANCELLED = "cancelled by an operator"
REPLAY_BATCH = 1000
UNSEEN = timedelta(minutes=2)
"""More than any destination takes to show what a lost call did there."""
_LEASE_SECONDS = 10.0

# The version goes up so that what was refused once is sent again; the effect's row is locked before its place
# in the queue, as planning does. What a person cancelled, a person may take back; of what was erased, only
# taking it back may be tried again, and of what is too old nothing is left to send. What was called off
# before its time waits for it again: its timer still runs.
_AGAIN_SQL = """
WITH chosen AS MATERIALIZED (
    SELECT subject, action FROM effects
    WHERE {which} AND (ended_by IS NULL OR ended_by = %(cancelled)s
                       OR (ended_by = %(erased)s AND content <> '{{}}'))
      AND (status = 'failed' OR (status = 'withheld' AND ended_by IS NOT NULL))
    ORDER BY subject, action LIMIT %(limit)s
    FOR NO KEY UPDATE
), again AS (
    UPDATE effects AS e SET
        status = CASE WHEN e.outside = 'absent' AND e.not_before > %(now)s
            THEN 'scheduled' ELSE 'pending' END,
        desired_version = e.desired_version + 1, reason = NULL,
        ended_by = nullif(ended_by, %(cancelled)s), changed_at = clock_timestamp()
    FROM chosen WHERE e.subject = chosen.subject AND e.action = chosen.action
    RETURNING e.effect_id, e.subject, e.action, e.destination, e.order_key, e.rate_key, e.status
), queued AS (
    INSERT INTO pending (effect_id, subject, action, destination, order_key, rate_key, due_at)
    SELECT effect_id, subject, action, destination, order_key, rate_key, clock_timestamp() FROM again
    WHERE status = 'pending'
    ON CONFLICT (effect_id) DO UPDATE SET due_at = excluded.due_at, failures = 0, first_failed_at = NULL
)
SELECT effect_id FROM again
"""
_AGAIN_ONE_SQL = _AGAIN_SQL.format(which="subject = %(subject)s AND action = %(action)s").encode()
_AGAIN_MANY_SQL = _AGAIN_SQL.format(
    which="destination = %(destination)s AND planned_at >= %(since)s AND status = 'failed'"
).encode()

# A call whose answer was lost may still arrive: until it could be seen, nobody looks for it.
_HURRY_SQL = """
UPDATE pending SET due_at = clock_timestamp(), failures = 0, first_failed_at = NULL
FROM effects AS e
WHERE pending.effect_id = %(effect_id)s AND e.subject = pending.subject AND e.action = pending.action
  AND (leased_until IS NULL OR leased_until <= clock_timestamp())
  AND NOT (e.outside = 'unknown' AND e.changed_at > clock_timestamp() - %(unseen)s)
RETURNING pending.effect_id
"""
_STATUS_SQL = "SELECT status, destination FROM effects WHERE subject = %(subject)s AND action = %(action)s"
_END_SCHEDULED_SQL = """
UPDATE effects SET status = 'withheld', sent_version = desired_version, reason = %(cancelled)s,
    ended_by = %(cancelled)s, changed_at = clock_timestamp()
WHERE subject = %(subject)s AND action = %(action)s AND status = 'scheduled'
RETURNING effect_id
"""
# An object that is outside stays as it is and may be updated again; what never left never leaves.
_END_SQL = """
UPDATE effects SET ended_by = %(cancelled)s
WHERE subject = %(subject)s AND action = %(action)s AND outside = 'absent'
"""
_PAUSE_SQL = """
INSERT INTO destinations (name, enabled, paused_at, paused_because)
VALUES (%(name)s, true, clock_timestamp(), %(because)s)
ON CONFLICT (name) DO UPDATE SET paused_at = coalesce(destinations.paused_at, excluded.paused_at),
    paused_because = excluded.paused_because
"""
_RESUME_SQL = "UPDATE destinations SET paused_at = NULL, paused_because = NULL WHERE name = %(name)s"


class Answer(StrEnum):
    """What came of an intervention."""

    DONE = "done"
    UNKNOWN = "there is no delivery with this id"
    UNDER_WAY = "a call for it is under way, or may still arrive: ask again in a minute or two"
    NOT_FAILED = "it has not failed: nothing is to be done again"
    ENDED = "it has ended: there is nothing left to cancel"


def retry(connection: Connection, effect_id: UUID, now: datetime) -> Answer:
    """Deliver what failed or was cancelled again, not before its time; what waits for its next try is tried
    at once. `now` is business time.
    """
    place = place_of(connection, effect_id, now)
    if place is None:
        return Answer.UNKNOWN
    subject, action = place
    chosen = {"subject": subject, "action": action, "limit": 1}
    values = chosen | {"cancelled": CANCELLED, "erased": ERASED, "now": now}
    if connection.execute(_AGAIN_ONE_SQL, values).fetchone():
        return Answer.DONE
    if connection.execute(_HURRY_SQL, {"effect_id": effect_id, "unseen": UNSEEN}).fetchone():
        return Answer.DONE
    found = connection.execute(_STATUS_SQL, {"subject": subject, "action": action}).fetchone()
    return Answer.UNDER_WAY if found and found[0] == "pending" else Answer.NOT_FAILED


def cancel(connection: Connection, effect_id: UUID, now: datetime) -> Answer:
    """Give up what was not delivered yet. An ambiguous one stays ambiguous: it may have arrived."""
    place = place_of(connection, effect_id, now)
    if place is None:
        return Answer.UNKNOWN
    values = {"subject": place[0], "action": place[1], "cancelled": CANCELLED}
    if connection.execute(_END_SCHEDULED_SQL, values).fetchone():
        return Answer.DONE
    claimed = claiming.claim_one(connection, effect_id, lease=uuid4(), lease_seconds=_LEASE_SECONDS)
    found = connection.execute(_STATUS_SQL, values).fetchone()
    if claimed is None:
        return Answer.UNDER_WAY if found and found[0] == "pending" else Answer.ENDED
    effect = in_doubt(claimed.effect) if claimed.is_in_doubt else claimed.effect
    done = Completion(replace(claimed, effect=effect), withhold(effect, CANCELLED))
    completing.complete(connection, [done])
    connection.execute(_END_SQL, values)
    if found is not None:
        outbox.append(connection, list(of_completion(done, str(found[1]), now)))
    return Answer.DONE


def replay(connection: Connection, destination: str, since: datetime, now: datetime) -> int:
    """Deliver the next batch of what failed for a destination and was planned since then; returns how many.

    0 when none is left. `now` is business time.
    """
    rows = connection.execute(
        _AGAIN_MANY_SQL,
        {
            "destination": destination,
            "since": since,
            "now": now,
            "cancelled": CANCELLED,
            "erased": ERASED,
            "limit": REPLAY_BATCH,
        },
    )
    return len(rows.fetchall())


def pause(connection: Connection, destination: str, because: str) -> None:
    """Claim nothing more for a destination until it is resumed; what is due waits."""
    connection.execute(_PAUSE_SQL, {"name": destination, "because": because})


def resume(connection: Connection, destination: str) -> None:
    """Deliver again what has waited."""
    connection.execute(_RESUME_SQL, {"name": destination})
