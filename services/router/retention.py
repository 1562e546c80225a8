"""How long the ledger keeps what it did: calls, plans with their facts, and what was sent.

What is left of a finished effect is ids: a replay of its answer, years later, finds that it was delivered.
Each turn goes on where the last one ended, an hour of the ledger at a time, so that nothing is locked for
long and nothing is read twice.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]

STEP = timedelta(hours=1)
RETENTION = "retention"
"""What ended an effect that is only a skeleton: planning leaves it alone."""

_MARK_SQL = "SELECT until FROM retention_progress WHERE name = %(name)s"
_SET_MARK_SQL = """
INSERT INTO retention_progress AS r (name, until) VALUES (%(name)s, %(until)s)
ON CONFLICT (name) DO UPDATE SET until = greatest(r.until, excluded.until)
"""
_OLDEST_PLAN_SQL = "SELECT min(planned_at) FROM plans"
_OLDEST_EFFECT_SQL = "SELECT min(planned_at) FROM effects"
_FORGET_PLANS_SQL = "DELETE FROM plans WHERE planned_at >= %(start)s AND planned_at < %(end)s"
_STRIP_EFFECTS_SQL = """
UPDATE effects SET content = '{}', reason = NULL, account_id = NULL, program = NULL, channel = NULL,
    received_at = NULL, traceparent = '', ended_by = coalesce(ended_by, 'retention')
WHERE planned_at >= %(start)s AND planned_at < %(end)s
  AND status IN ('delivered', 'retracted', 'withheld', 'failed')
"""


def forget_plans(connection: Connection, before: datetime) -> bool:
    """Delete one step of the plans made before `before`; False when none is left.

    That planning happened is remembered by the subject's row.
    """
    return _step(connection, "plans", before, _OLDEST_PLAN_SQL, _FORGET_PLANS_SQL)


def strip_effects(connection: Connection, before: datetime) -> bool:
    """Leave only ids of one step of the effects planned before `before` that are finished.

    False when none is left.
    """
    return _step(connection, "effects", before, _OLDEST_EFFECT_SQL, _STRIP_EFFECTS_SQL)


STEPS: tuple[Callable[[Connection, datetime], bool], ...] = (forget_plans, strip_effects)


def _step(connection: Connection, name: str, before: datetime, oldest: str, change: str) -> bool:
    found = connection.execute(_MARK_SQL, {"name": name}).fetchone() or connection.execute(oldest).fetchone()
    start: datetime | None = found[0] if found else None
    if start is None or start >= before:
        return False
    end = min(start + STEP, before)
    connection.execute(change, {"start": start, "end": end})
    connection.execute(_SET_MARK_SQL, {"name": name, "until": end})
    return end < before
