"""The ledger's SQL after a call: write what became of claimed effects, and wake what waited for them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from pydantic_core import to_json

from services.router.ledger import Completion, lane_below

Connection = psycopg.Connection[Any]

# Effects' rows are locked before leases are taken, in order, as planning does.
_LOCK_SQL = """
SELECT FROM effects JOIN unnest(%(subjects)b::text[], %(actions)b::text[]) AS done (subject, action)
    USING (subject, action)
ORDER BY effects.subject, effects.action FOR NO KEY UPDATE OF effects
"""

# Writes what became of locked effects and of their attempts. A lease taken over meanwhile completes nothing.
# An effect whose wanted version moved on stays pending and is due at once. Of somebody who was erased only
# ids are left, and what it takes to try once more where their object could not be taken back. The batch
# travels as one JSON text: it costs a fraction of a dozen arrays. Locking is a statement of its own: one that
# changes several tables cannot look again at a row that changed while it waited ("ModifyTable ...
# EvalPlanQual").
_COMPLETE_SQL = """
WITH done AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(done)s) AS done (
        subject text, action text, effect_id uuid, lease uuid, leased_at timestamptz,
        version bigint, outside text, external_id text, status text, reason text, pause_seconds float8,
        failures int, first_failed_at timestamptz, result text, cause text)
), answered AS (
    UPDATE attempts SET finished_at = clock_timestamp(), result = done.result, cause = done.cause
    FROM done
    WHERE attempts.effect_id = done.effect_id AND attempts.lease = done.lease
      AND attempts.started_at = done.leased_at AND done.result IS NOT NULL
), locked AS MATERIALIZED (
    SELECT done.*, e.desired_version,
        done.pause_seconds IS NULL AND done.version >= e.desired_version AS is_finished
    FROM done JOIN effects AS e ON e.subject = done.subject AND e.action = done.action
), finished AS (
    DELETE FROM pending USING locked
    WHERE pending.effect_id = locked.effect_id AND pending.lease = locked.lease AND locked.is_finished
    RETURNING locked.*
), kept AS (
    UPDATE pending SET lease = NULL, leased_until = NULL, in_doubt = false,
        failures = locked.failures, first_failed_at = locked.first_failed_at,
        due_at = clock_timestamp() + make_interval(secs => coalesce(locked.pause_seconds, 0))
    FROM locked
    WHERE pending.effect_id = locked.effect_id AND pending.lease = locked.lease AND NOT locked.is_finished
    RETURNING locked.*
), held AS (
    SELECT * FROM finished UNION ALL SELECT * FROM kept
)
UPDATE effects AS e SET
    sent_version = CASE WHEN held.pause_seconds IS NULL THEN held.version ELSE e.sent_version END,
    outside = held.outside, external_id = held.external_id, reason = held.reason,
    status = CASE WHEN held.desired_version > held.version THEN 'pending' ELSE held.status END,
    content = CASE WHEN e.ended_by = 'erased' AND held.is_finished
            AND NOT (held.status IN ('failed', 'withheld') AND held.outside IN ('present', 'unknown'))
        THEN '{}' ELSE e.content END,
    changed_at = clock_timestamp()
FROM held
WHERE e.subject = held.subject AND e.action = held.action
RETURNING e.effect_id
"""

# The children of what was just settled wait no longer, but for those that wait for a call of their own.
_WAKE_SQL = """
UPDATE pending SET due_at = clock_timestamp()
WHERE destination = %(destination)s AND order_key = ANY(%(lanes)s) AND lease IS NULL
  AND failures = 0 AND due_at > statement_timestamp()
"""


def complete(connection: Connection, done: Sequence[Completion]) -> set[UUID]:
    """Write what became of claimed effects; returns those whose lease still held."""
    connection.execute(
        _LOCK_SQL,
        {
            "subjects": [one.claimed.subject for one in done],
            "actions": [one.claimed.action for one in done],
        },
    )
    rows = connection.execute(
        _COMPLETE_SQL,
        {"done": to_json([_dumped(one) for one in done]).decode()},
    )
    return {row[0] for row in rows}


def wake(connection: Connection, destination: str, done: Sequence[Completion]) -> None:
    """Make the children of effects that are settled now due at once."""
    lanes = [lane_below(one.claimed.effect_id) for one in done if one.next.due_in_seconds is None]
    if lanes:
        connection.execute(_WAKE_SQL, {"destination": destination, "lanes": lanes})


def _dumped(done: Completion) -> dict[str, object]:
    claimed, following, effect = done.claimed, done.next, done.next.effect
    return {
        "subject": claimed.subject,
        "action": claimed.action,
        "effect_id": claimed.effect_id,
        "lease": claimed.lease,
        "leased_at": claimed.leased_at,
        "version": claimed.effect.desired_version,
        "outside": effect.outside,
        "external_id": effect.external_id,
        "status": following.status,
        "reason": following.reason,
        "pause_seconds": following.due_in_seconds,
        "failures": effect.failures,
        "first_failed_at": effect.first_failed_at,
        "result": done.result,
        "cause": done.cause,
    }
