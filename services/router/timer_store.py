"""The SQL of timers: what may be due on the business clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import psycopg

from runtime.postgres import copy

Connection = psycopg.Connection[Any]

_START_SQL = "COPY timers (due_at, kind, subject, ref) FROM STDIN"
# Gone once the transaction that takes them commits; meanwhile nobody else sees them. Of one kind: its handler
# then locks subjects in their order, as planning does, where the next kind's would begin again.
_TAKE_SQL = """
DELETE FROM timers WHERE timer_id IN (
    SELECT timer_id FROM timers WHERE due_at <= %(now)s AND kind = (
        SELECT kind FROM timers WHERE due_at <= %(now)s ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING kind, subject, ref, due_at
"""


class TimerKind(StrEnum):
    """What is to be looked at when a timer is due."""

    RELEASE = "release"
    """An effect whose time has come; `ref` is its action."""
    REMIND = "remind"
    """A follow-up's owner; `ref` is the target that is near."""
    ESCALATE = "escalate"
    """The owner's manager; `ref` is the target that was missed."""
    BREACH_CONTACT = "breach_contact"
    BREACH_RESOLVE = "breach_resolve"
    UNSNOOZE = "unsnooze"
    MAILED = "mailed"
    """What became of a mail that a colleague wrote; `ref` is its action."""


@dataclass(frozen=True, slots=True)
class Timer:
    """That something about `subject` may be due, business time. Its handler looks whether it is."""

    kind: TimerKind
    subject: str
    ref: str
    due_at: datetime


def start(connection: Connection, timers: Sequence[Timer]) -> None:
    """Start timers; starting one twice does no harm."""
    copy(
        connection,
        _START_SQL,
        [(timer.due_at.isoformat(), timer.kind.value, timer.subject, timer.ref) for timer in timers],
    )


def take(connection: Connection, now: datetime, *, limit: int) -> list[Timer]:
    """Take the oldest due timers of one kind, at most `limit`, from the table; in the order of subjects."""
    rows = connection.execute(_TAKE_SQL, {"now": now, "limit": limit})
    taken = [Timer(TimerKind(kind), subject, ref, due_at) for kind, subject, ref, due_at in rows]
    return sorted(taken, key=lambda timer: (timer.subject, timer.due_at))


def late_seconds(connection: Connection, now: datetime) -> float:
    """How long the longest overdue timer has been due, business time."""
    row = connection.execute(
        "SELECT greatest(0, extract(epoch FROM %s - min(due_at)))::float8 FROM timers", (now,)
    ).fetchone()
    return (row[0] or 0.0) if row else 0.0
