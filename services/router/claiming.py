"""The ledger's SQL before a call: lease what is due, in batches, and note the calls about to be made."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg
from pydantic_core import to_json

from services.router.attempt import Effect, Outside
from services.router.clearance import Parenthood, Standing
from services.router.destination import Operation
from services.router.follow_up_store import from_row
from services.router.ledger import Claimed

Connection = psycopg.Connection[Any]

# How both ways of leasing end.
_TAKE_SQL = """
UPDATE pending SET lease = %(lease)s, leased_until = clock_timestamp() + make_interval(secs => %(seconds)s)
FROM taken WHERE pending.effect_id = taken.effect_id
RETURNING pending.effect_id, pending.subject, pending.action, pending.rate_key, pending.failures,
    pending.first_failed_at, pending.in_doubt, taken.interrupted, now()
"""

# Leases the due heads of one destination: an effect waits while an earlier one of its order key is pending.
# Of one rate key at most `burst` are taken, of those in `keys` only what is `left`. `interrupted` tells of a
# lease that ended without a completion.
_LEASE_SQL = (
    """
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
"""  # noqa: S608 - both parts are constants
    + _TAKE_SQL
)

# Leases one effect, due or not, unless somebody works on it.
_LEASE_ONE_SQL = (
    """
WITH taken AS (
    SELECT effect_id, lease IS NOT NULL AS interrupted FROM pending
    WHERE effect_id = %(effect_id)s AND (leased_until IS NULL OR leased_until <= statement_timestamp())
    FOR NO KEY UPDATE SKIP LOCKED
)
"""  # noqa: S608 - both parts are constants
    + _TAKE_SQL
)

# What is wanted and known of the leased effects, with what their persons' profiles say now.
_READ_SQL = """
SELECT e.effect_id, e.subject, e.action, e.rule, e.person_key, e.account_id, e.program, e.channel,
    e.received_at, e.expires_at, e.traceparent, e.content, e.wanted, e.desired_version, e.sent_version,
    e.outside, e.external_id, e.parent_subject IS NOT NULL AS has_parent, parent.wanted AS parent_wanted,
    parent.outside AS parent_outside, parent.status AS parent_status, parent.external_id AS parent_id,
    to_json(follow_up) AS follow_up,
    coalesce(winner.erased OR named.erased OR e.ended_by = 'erased', false) AS is_erased,
    coalesce(named.opt_outs, '{}') || coalesce(winner.opt_outs, '{}') AS opt_outs,
    'opt_out' = ANY(e.ends_on) AS ends_on_opt_out
FROM unnest(%(subjects)b::text[], %(actions)b::text[]) AS leased (subject, action)
JOIN effects AS e ON e.subject = leased.subject AND e.action = leased.action
LEFT JOIN effects AS parent ON parent.subject = e.parent_subject AND parent.action = e.parent_action
LEFT JOIN follow_ups AS follow_up ON follow_up.subject = e.subject
LEFT JOIN profiles AS named ON named.person_key = e.person_key
LEFT JOIN profiles AS winner ON winner.person_key = named.merged_into
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
    ).fetchall()
    interrupted = [effect_id for effect_id, row in leased.items() if row[7]]
    doubted = _lose(connection, interrupted) if interrupted else set()
    return [_claimed(row, leased[row[0]], lease, is_in_doubt=row[0] in doubted) for row in claimed]


def note_attempts(connection: Connection, lease: UUID, calls: Sequence[tuple[Claimed, Operation]]) -> None:
    """Write the calls about to be made, in the transaction that claimed their effects."""
    noted = [
        {
            "effect_id": claimed.effect_id,
            "operation": operation,
            "version": claimed.effect.desired_version,
            "subject": claimed.subject,
            "action": claimed.action,
        }
        for claimed, operation in calls
    ]
    connection.execute(_NOTE_SQL, {"lease": lease, "calls": to_json(noted).decode()})


def _lose(connection: Connection, effect_ids: Sequence[UUID]) -> set[UUID]:
    return {row[0] for row in connection.execute(_LOSE_SQL, {"effect_ids": list(effect_ids)})}


def _claimed(row: tuple[Any, ...], leased: tuple[Any, ...], lease: UUID, *, is_in_doubt: bool) -> Claimed:
    (
        effect_id, subject, action, rule, person_key, account_id, program, channel, received_at, expires_at,
        traceparent, content, wanted, desired_version, sent_version, outside, external_id, has_parent,
        parent_wanted, parent_outside, parent_status, parent_id, follow_up, is_erased, opt_outs,
        ends_on_opt_out,
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
            ends_on_opt_out=ends_on_opt_out,
        ),
        parent_id=parent_id,
        follow_up=from_row(follow_up) if follow_up else None,
    )
