"""The ledger's SQL for deliveries: claim what is due, note the calls, complete them. All in batches."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from services.router.attempt import Effect, Next, Outside
from services.router.clearance import Parenthood, Standing
from services.router.destination import JsonObject, Operation
from services.router.follow_up import FollowUp
from services.router.follow_up_store import from_row

Connection = psycopg.Connection[Any]

_BELOW = "below:"

PLANS_BY_KEY = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
"""PostgreSQL settings of the ledger's connections.

Every statement looks up a batch of keys through an index. Prepared while a table is small (a month's new
partition of attempts), PostgreSQL would plan to read it whole, and keep to that while it grows.
"""

# Leases the due heads of one destination: an effect waits while an earlier one of its order key is pending.
# Of one rate key at most `burst` are taken, of those in `keys` only what is `left`. `interrupted` tells of a
# lease that ended without a completion.
_LEASE_SQL = """
WITH due AS MATERIALIZED (
    SELECT effect_id, rate_key, due_at, lease IS NOT NULL AS interrupted
    FROM pending AS candidate
    WHERE destination = %(destination)s AND due_at <= statement_timestamp()
      AND (leased_until IS NULL OR leased_until <= statement_timestamp())
      AND rate_key <> ALL(%(exhausted)s)
      AND NOT EXISTS (
          SELECT FROM pending AS earlier
          WHERE earlier.destination = candidate.destination AND earlier.order_key = candidate.order_key
            AND earlier.position < candidate.position)
    ORDER BY due_at LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    SELECT effect_id, interrupted FROM (
        SELECT effect_id, interrupted, rate_key,
            row_number() OVER (PARTITION BY rate_key ORDER BY due_at) AS place
        FROM due
    ) AS ranked LEFT JOIN unnest(%(keys)s::text[], %(left)s::int[]) AS used (rate_key, room) USING (rate_key)
    WHERE place <= coalesce(used.room, %(burst)s)
)
UPDATE pending SET lease = %(lease)s, leased_until = clock_timestamp() + make_interval(secs => %(seconds)s)
FROM taken WHERE pending.effect_id = taken.effect_id
RETURNING pending.effect_id, pending.subject, pending.action, pending.rate_key, pending.failures,
    pending.first_failed_at, pending.in_doubt, taken.interrupted, now()
"""

# Leases one effect, due or not, unless somebody works on it.
_LEASE_ONE_SQL = """
WITH taken AS (
    SELECT effect_id, lease IS NOT NULL AS interrupted FROM pending
    WHERE effect_id = %(effect_id)s AND (leased_until IS NULL OR leased_until <= statement_timestamp())
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE pending SET lease = %(lease)s, leased_until = clock_timestamp() + make_interval(secs => %(seconds)s)
FROM taken WHERE pending.effect_id = taken.effect_id
RETURNING pending.effect_id, pending.subject, pending.action, pending.rate_key, pending.failures,
    pending.first_failed_at, pending.in_doubt, taken.interrupted, now()
"""

# What is wanted and known of the leased effects, with what their persons' profiles say now.
_READ_SQL = """
SELECT e.effect_id, e.subject, e.action, e.rule, e.person_key, e.account_id, e.program, e.channel,
    e.received_at, e.expires_at, e.traceparent, e.content, e.wanted, e.desired_version, e.sent_version,
    e.outside, e.external_id, e.parent_subject IS NOT NULL AS has_parent, parent.wanted AS parent_wanted,
    parent.outside AS parent_outside, parent.status AS parent_status, parent.external_id AS parent_id,
    to_json(follow_up) AS follow_up,
    coalesce(winner.erased OR named.erased OR e.ended_by = 'erased', false) AS is_erased,
    coalesce(named.opt_outs, '{}') || coalesce(winner.opt_outs, '{}') AS opt_outs
FROM unnest(%(subjects)b::text[], %(actions)b::text[]) AS leased (subject, action)
JOIN effects AS e ON e.subject = leased.subject AND e.action = leased.action
LEFT JOIN effects AS parent ON parent.subject = e.parent_subject AND parent.action = e.parent_action
LEFT JOIN follow_ups AS follow_up ON follow_up.subject = e.subject
LEFT JOIN profiles AS named ON named.person_key = e.person_key
LEFT JOIN profiles AS winner ON winner.person_key = named.merged_into
"""

# The children of what was just settled wait no longer, but for those that wait for a call of their own.
_WAKE_SQL = """
UPDATE pending SET due_at = clock_timestamp()
WHERE destination = %(destination)s AND order_key = ANY(%(lanes)s) AND lease IS NULL
  AND failures = 0 AND due_at > statement_timestamp()
"""

_NOTE_SQL = """
INSERT INTO attempts (effect_id, started_at, lease, operation, version, subject, action)
SELECT effect_id, now(), %(lease)s, operation, version, subject, action
FROM json_to_recordset(%(calls)s)
    AS noted (effect_id uuid, operation text, version bigint, subject text, action text)
"""

# Calls whose lease ended without a completion: what came of them is not known. They may have made an object
# or brought back one that was retracted.
_LOSE_SQL = """
WITH lost AS (
    UPDATE attempts SET finished_at = clock_timestamp(), result = 'lost'
    WHERE effect_id = ANY(%(effect_ids)s) AND finished_at IS NULL
    RETURNING effect_id, operation
)
UPDATE pending SET in_doubt = true FROM lost
WHERE pending.effect_id = lost.effect_id AND lost.operation IN ('create', 'update')
RETURNING pending.effect_id
"""

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
        subject text, action text, effect_id uuid, lease uuid, version bigint, outside text, external_id text,
        status text, reason text, pause_seconds float8, failures int, first_failed_at timestamptz,
        result text, cause text)
), answered AS (
    UPDATE attempts SET finished_at = clock_timestamp(), result = done.result, cause = done.cause
    FROM done
    WHERE attempts.effect_id = done.effect_id AND attempts.lease = done.lease
      AND attempts.started_at >= %(since)s AND done.result IS NOT NULL
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


@dataclass(frozen=True, slots=True)
class Claimed:
    """A leased effect with all that the call, its outcome and its metrics need."""

    effect_id: UUID
    subject: str
    action: str
    rule: str
    rate_key: str
    person_key: str
    account_id: str | None
    channel: str | None
    received_at: datetime | None
    traceparent: str
    content: JsonObject
    lease: UUID
    leased_at: datetime
    is_in_doubt: bool
    effect: Effect
    standing: Standing
    parent_id: str | None = None
    follow_up: FollowUp | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """What became of a claimed effect. `result` is set when a call was noted, and names what it gave.

    `review` names records outside among which a person has to choose.
    """

    claimed: Claimed
    next: Next
    result: str | None = None
    cause: str | None = None
    review: tuple[str, ...] = ()


def claim(
    connection: Connection,
    destination: str,
    *,
    limit: int,
    burst: int,
    left: Mapping[str, int],
    lease: UUID,
    lease_seconds: float,
) -> list[Claimed]:
    """Lease up to `limit` due effects: of one rate key at most `burst`, of those in `left` that many."""
    rows = connection.execute(
        _LEASE_SQL,
        {
            "destination": destination,
            "limit": limit,
            "burst": burst,
            "exhausted": [key for key, room in left.items() if room == 0],
            "keys": list(left),
            "left": list(left.values()),
            "lease": lease,
            "seconds": lease_seconds,
        },
    )
    return _read(connection, {row[0]: row for row in rows}, lease)


def claim_one(
    connection: Connection, effect_id: UUID, *, lease: UUID, lease_seconds: float
) -> Claimed | None:
    """Lease one pending effect, due or not; None when there is none or a call for it is under way."""
    rows = connection.execute(
        _LEASE_ONE_SQL, {"effect_id": effect_id, "lease": lease, "seconds": lease_seconds}
    )
    return next(iter(_read(connection, {row[0]: row for row in rows}, lease)), None)


def _read(connection: Connection, leased: Mapping[UUID, tuple[Any, ...]], lease: UUID) -> list[Claimed]:
    if not leased:
        return []
    claimed = connection.execute(
        _READ_SQL,
        {
            "subjects": [row[1] for row in leased.values()],
            "actions": [row[2] for row in leased.values()],
        },
    )
    interrupted = [effect_id for effect_id, row in leased.items() if row[7]]
    doubted = _lose(connection, interrupted) if interrupted else set()
    return [_claimed(row, leased[row[0]], lease, is_in_doubt=row[0] in doubted) for row in claimed]


def note_attempts(connection: Connection, lease: UUID, calls: Sequence[tuple[Claimed, Operation]]) -> None:
    """Write the calls about to be made, in the transaction that claimed their effects."""
    noted = [
        {
            "effect_id": claimed.effect_id.hex,
            "operation": operation.value,
            "version": claimed.effect.desired_version,
            "subject": claimed.subject,
            "action": claimed.action,
        }
        for claimed, operation in calls
    ]
    connection.execute(_NOTE_SQL, {"lease": lease, "calls": json.dumps(noted)})


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
        {
            "done": json.dumps([_dumped(one) for one in done]),
            "since": min(one.claimed.leased_at for one in done),
        },
    )
    return {row[0] for row in rows}


def wake(connection: Connection, destination: str, done: Sequence[Completion]) -> None:
    """Make the children of effects that are settled now due at once."""
    lanes = [lane_below(one.claimed.effect_id) for one in done if one.next.due_in_seconds is None]
    if lanes:
        connection.execute(_WAKE_SQL, {"destination": destination, "lanes": lanes})


def is_lane(order_key: str) -> bool:
    """Whether an order key is that of an effect's children."""
    return order_key.startswith(_BELOW)


def lane_below(parent: UUID) -> str:
    """The order key of an effect's children.

    It is their own: a child that waits for its parent must not stand in the parent's way.
    """
    return f"{_BELOW}{parent}"


def _dumped(done: Completion) -> JsonObject:
    claimed, following, effect = done.claimed, done.next, done.next.effect
    first_failed_at = effect.first_failed_at
    return {
        "subject": claimed.subject,
        "action": claimed.action,
        "effect_id": claimed.effect_id.hex,
        "lease": claimed.lease.hex,
        "version": claimed.effect.desired_version,
        "outside": effect.outside.value,
        "external_id": effect.external_id,
        "status": following.status.value,
        "reason": following.reason,
        "pause_seconds": following.due_in_seconds,
        "failures": effect.failures,
        "first_failed_at": first_failed_at.isoformat() if first_failed_at else None,
        "result": done.result,
        "cause": done.cause,
    }


def _lose(connection: Connection, effect_ids: Sequence[UUID]) -> set[UUID]:
    return {row[0] for row in connection.execute(_LOSE_SQL, {"effect_ids": list(effect_ids)})}


def _claimed(row: tuple[Any, ...], leased: tuple[Any, ...], lease: UUID, *, is_in_doubt: bool) -> Claimed:
    (
        effect_id, subject, action, rule, person_key, account_id, program, channel, received_at, expires_at,
        traceparent, content, wanted, desired_version, sent_version, outside, external_id, has_parent,
        parent_wanted, parent_outside, parent_status, parent_id, follow_up, is_erased, opt_outs,
    ) = row  # fmt: skip
    rate_key, failures, first_failed_at, was_in_doubt, _, leased_at = leased[3:]
    return Claimed(
        effect_id=effect_id,
        subject=subject,
        action=action,
        rule=rule,
        rate_key=rate_key,
        person_key=person_key,
        account_id=account_id,
        channel=channel,
        received_at=received_at,
        traceparent=traceparent,
        content=content,
        lease=lease,
        leased_at=leased_at,
        is_in_doubt=is_in_doubt or was_in_doubt,
        effect=Effect(
            is_wanted=wanted == "present",
            desired_version=desired_version,
            sent_version=sent_version,
            outside=Outside(outside),
            external_id=external_id,
            failures=failures,
            first_failed_at=first_failed_at,
        ),
        standing=Standing(
            is_wanted=wanted == "present",
            is_erased=is_erased,
            program=program,
            opt_outs=frozenset(opt_outs),
            expires_at=expires_at,
            parent=Parenthood(parent_wanted == "present", parent_outside, parent_status)
            if has_parent
            else None,
        ),
        parent_id=parent_id,
        follow_up=from_row(follow_up) if follow_up else None,
    )
