"""What the ledger has to tell about deliveries: which there are, and every call that was made for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composed

from services.router.attempt import Status

Connection = psycopg.Connection[Any]
Row = dict[str, Any]


class DeliveryStatus(StrEnum):
    """What deliveries can be asked for by."""

    SCHEDULED = Status.SCHEDULED
    PENDING = Status.PENDING
    AMBIGUOUS = "ambiguous"
    """Of the pending ones those that a call may have delivered already."""
    DELIVERED = Status.DELIVERED
    RETRACTED = Status.RETRACTED
    WITHHELD = Status.WITHHELD
    FAILED = Status.FAILED


UNATTEMPTED_DAYS = 90
"""How far back a delivery that was never attempted is found by its id."""

_COLUMNS = SQL("""
SELECT e.subject, e.action, e.effect_id, e.rule, e.destination, e.person_key, e.account_id, e.wanted,
    e.desired_version, e.sent_version, e.outside, e.external_id, e.status, e.reason, e.planned_at,
    e.changed_at, e.not_before, p.due_at AS next_try_at, coalesce(p.failures, 0) AS failures,
    coalesce(p.leased_until > clock_timestamp(), false) AS is_under_way,
    coalesce(e.outside = 'unknown' OR p.in_doubt, false) AS is_ambiguous, e.content
FROM effects AS e LEFT JOIN pending AS p ON p.effect_id = e.effect_id
""")
_WHOSE_SQL = """
SELECT subject, action FROM pending WHERE effect_id = %(effect_id)s
UNION ALL
(SELECT subject, action FROM attempts WHERE effect_id = %(effect_id)s AND subject IS NOT NULL LIMIT 1)
LIMIT 1
"""
# Effects are stored by subject; one that was never attempted is looked for among those of a time.
_SEARCH_SQL = """
SELECT subject, action FROM effects WHERE effect_id = %(effect_id)s AND planned_at >= %(since)s
"""
_ATTEMPTS_SQL = """
SELECT operation, version, started_at, finished_at, result, cause
FROM attempts WHERE effect_id = %(effect_id)s ORDER BY started_at
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deliveries are asked for; None does not restrict. `since` is business time.

    `below` is where an earlier page ended: the planned_at and effect id of its last delivery.
    """

    since: datetime | None = None
    subject: str | None = None
    destination: str | None = None
    status: DeliveryStatus | None = None
    rule: str | None = None
    person_key: str | None = None
    below: tuple[datetime, UUID] | None = None


def deliveries(connection: Connection, wanted: Filter, *, limit: int) -> list[Row]:
    """The newest `limit` deliveries that pass the filter, newest first."""
    values = {
        "since": wanted.since,
        "subject": wanted.subject,
        "destination": wanted.destination,
        "status": wanted.status,
        "rule": wanted.rule,
        "person_key": wanted.person_key,
        "below": wanted.below[0] if wanted.below else None,
        "below_id": wanted.below[1] if wanted.below else None,
        "limit": limit,
    }
    query = (
        _COLUMNS + _conditions(wanted) + SQL(" ORDER BY e.planned_at DESC, e.effect_id DESC LIMIT %(limit)s")
    )
    return connection.cursor(row_factory=dict_row).execute(query, values).fetchall()


def delivery(connection: Connection, effect_id: UUID, now: datetime) -> Row | None:
    """One delivery with its `attempts`, oldest first; None when there is none with this id."""
    found = place_of(connection, effect_id, now)
    if found is None:
        return None
    query = _COLUMNS + SQL("WHERE e.subject = %(subject)s AND e.action = %(action)s")
    cursor = connection.cursor(row_factory=dict_row)
    row = cursor.execute(query, {"subject": found[0], "action": found[1]}).fetchone()
    return None if row is None else row | {"attempts": attempts(connection, effect_id)}


def place_of(connection: Connection, effect_id: UUID, now: datetime) -> tuple[str, str] | None:
    """Subject and action of an effect."""
    since = now - timedelta(days=UNATTEMPTED_DAYS)
    for query in (_WHOSE_SQL, _SEARCH_SQL):
        for subject, action in connection.execute(query, {"effect_id": effect_id, "since": since}):
            return str(subject), str(action)
    return None


def attempts(connection: Connection, effect_id: UUID) -> Sequence[Row]:
    """Every call for an effect, oldest first."""
    cursor = connection.cursor(row_factory=dict_row)
    return cursor.execute(_ATTEMPTS_SQL, {"effect_id": effect_id}).fetchall()


def _conditions(wanted: Filter) -> Composed:
    conditions = [SQL("true")]
    if wanted.since is not None:
        conditions.append(SQL("e.planned_at >= %(since)s"))
    if wanted.subject is not None:
        conditions.append(SQL("e.subject = %(subject)s"))
    if wanted.destination is not None:
        conditions.append(SQL("e.destination = %(destination)s"))
    if wanted.rule is not None:
        conditions.append(SQL("e.rule = %(rule)s"))
    if wanted.person_key is not None:
        conditions.append(SQL("e.person_key = %(person_key)s"))
    if wanted.status is DeliveryStatus.AMBIGUOUS:
        conditions.append(SQL("(e.outside = 'unknown' OR p.in_doubt)"))
    elif wanted.status is not None:
        conditions.append(SQL("e.status = %(status)s"))
    if wanted.below is not None:
        conditions.append(SQL("(e.planned_at, e.effect_id) < (%(below)s, %(below_id)s)"))
    return SQL("WHERE ") + SQL(" AND ").join(conditions)
