"""The SQL of effects for planning: what the ledger holds of a batch's subjects, and what is written."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import psycopg

from runtime.postgres import array, copy
from services.router import timer_store
from services.router.attempt import Outside, Status
from services.router.effect import Effect, EffectRow, StoredEffect
from services.router.timer_store import Timer, TimerKind

Connection = psycopg.Connection[Any]

# The effects of subjects seen before, locked in order.
_OF_SUBJECTS_SQL = """
SELECT subject, action, effect_id, rule, destination, order_key, rate_key, content, wanted, outside,
    desired_version, not_before, ended_by, parent_subject, status, repeats
FROM effects WHERE subject = ANY(%(subjects)s) ORDER BY subject, action FOR NO KEY UPDATE
"""

_CREATE_SQL = """
COPY effects (subject, action, effect_id, rule, destination, order_key, rate_key, person_key, account_id,
    program, channel, received_at, planned_at, expires_at, traceparent, content, wanted, desired_version,
    status, not_before, ends_on, parent_subject, parent_action, repeats) FROM STDIN
"""

_REVISE_SQL = """
UPDATE effects SET rule = given.rule, order_key = given.order_key, rate_key = given.rate_key,
    content = given.content::jsonb, wanted = given.wanted, desired_version = given.desired_version,
    traceparent = given.traceparent, status = given.status, not_before = given.not_before, reason = NULL,
    changed_at = clock_timestamp()
FROM unnest(%(subject)b::text[], %(action)b::text[], %(rule)b::text[], %(content)b::text[],
    %(wanted)b::text[], %(desired_version)s::bigint[], %(traceparent)b::text[], %(order_key)b::text[],
    %(rate_key)b::text[], %(status)b::text[], %(not_before)s::timestamptz[])
    AS given (subject, action, rule, content, wanted, desired_version, traceparent, order_key, rate_key,
        status, not_before)
WHERE effects.subject = given.subject AND effects.action = given.action
"""

_REVISED = (
    *("subject", "action", "rule", "content", "desired_version"),
    *("traceparent", "order_key", "rate_key", "not_before"),
)
_QUEUED = ("effect_id", "subject", "action", "destination", "order_key", "rate_key")
_QUEUE_SQL = """
COPY pending (effect_id, subject, action, destination, order_key, rate_key) FROM STDIN
"""
# An effect that is pending already keeps its place, its pause and its lease.
_QUEUE_AGAIN_SQL = """
INSERT INTO pending (effect_id, subject, action, destination, order_key, rate_key, due_at)
SELECT effect_id, subject, action, destination, order_key, rate_key, clock_timestamp()
FROM unnest(%(effect_id)s::uuid[], %(subject)b::text[], %(action)b::text[], %(destination)b::text[],
    %(order_key)b::text[], %(rate_key)b::text[])
    WITH ORDINALITY AS given (effect_id, subject, action, destination, order_key, rate_key, place)
ORDER BY place ON CONFLICT (effect_id) DO NOTHING
"""


def of_subjects(connection: Connection, subjects: Sequence[str]) -> dict[str, dict[str, StoredEffect]]:
    """Lock and read the effects of these subjects, by subject and action."""
    found: dict[str, dict[str, StoredEffect]] = {}
    if not subjects:
        return found
    for row in connection.execute(_OF_SUBJECTS_SQL, {"subjects": list(subjects)}):
        subject, action, effect_id, rule, destination, order_key, rate_key, content, wanted, outside = row[
            :10
        ]
        version, not_before, ended_by, parent_subject, status, repeats = row[10:]
        known = Effect(
            action=action,
            rule=rule,
            destination=destination,
            is_wanted=wanted == "present",
            is_outside=outside != Outside.ABSENT,
            content=content,
            has_ended=ended_by is not None,
            repeats=repeats,
        )
        found.setdefault(subject, {})[action] = StoredEffect(
            effect_id,
            version,
            order_key,
            rate_key,
            known,
            not_before,
            is_child=parent_subject is not None,
            is_pending=status == Status.PENDING,
        )
    return found


def write(connection: Connection, effects: Iterable[EffectRow], *, now: datetime) -> None:
    """Create and revise effects, and make them pending; a timer does that for those whose time is to come."""
    rows = list(effects)
    new = [row for row in rows if row.is_new]
    revised = [row for row in rows if not row.is_new]
    _create(connection, new, now)
    _revise(connection, revised)
    timer_store.start(
        connection,
        [
            Timer(TimerKind.RELEASE, row.subject, row.action, row.not_before)
            for row in rows
            if row.is_scheduled and row.not_before is not None
        ],
    )
    _queue(connection, [row for row in new if not row.is_scheduled])
    _queue_again(connection, [row for row in revised if not row.is_scheduled])


def _create(connection: Connection, rows: Sequence[EffectRow], now: datetime) -> None:
    planned_at = now.isoformat()
    copy(
        connection,
        _CREATE_SQL,
        [
            (
                *(row.subject, row.action, row.effect_id.hex, row.rule, row.destination),
                *(row.order_key, row.rate_key, row.person_key, row.account_id, row.program, row.channel),
                *(_moment(row.received_at), planned_at, _moment(row.expires_at), row.traceparent),
                *(row.content, _wanted(row), row.desired_version, _status(row), _moment(row.not_before)),
                *(array(row.ends_on), *(row.parent or (None, None)), row.repeats),
            )
            for row in rows
        ],
    )


def _revise(connection: Connection, rows: Sequence[EffectRow]) -> None:
    if rows:
        connection.execute(
            _REVISE_SQL,
            _columns(rows, *_REVISED)
            | {"wanted": [_wanted(row) for row in rows], "status": [_status(row) for row in rows]},
        )


def _queue(connection: Connection, rows: Sequence[EffectRow]) -> None:
    copy(
        connection,
        _QUEUE_SQL,
        [
            (row.effect_id.hex, row.subject, row.action, row.destination, row.order_key, row.rate_key)
            for row in rows
        ],
    )


def _queue_again(connection: Connection, rows: Sequence[EffectRow]) -> None:
    if rows:
        connection.execute(_QUEUE_AGAIN_SQL, _columns(rows, *_QUEUED))


def _columns(rows: Sequence[EffectRow], *names: str) -> dict[str, list[Any]]:
    return {name: [getattr(row, name) for row in rows] for name in names}


def _wanted(row: EffectRow) -> str:
    return "present" if row.is_wanted else "absent"


def _status(row: EffectRow) -> str:
    return (Status.SCHEDULED if row.is_scheduled else Status.PENDING).value


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
