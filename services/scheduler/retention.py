"""How long the scheduler keeps its reasons and what is done.

Requests are kept: the fatigue clock and programs that ask once look back at them without end.
"""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
import structlog
from psycopg import Connection

from runtime.postgres import Pool
from services.scheduler.planning import LATE

EVERY_SECONDS = 3600.0
RETRY_SECONDS = 10.0
ROWS_A_STEP = 5_000
LONGEST_SPREAD_DAYS = 365
LEAST_DAYS = LATE.days + LONGEST_SPREAD_DAYS
"""What is younger may still be planned, and has to be known as done."""

# Ids and times of decisions run together, so the oldest ids are looked at, without an index by time.
_DECISIONS_SQL = """
DELETE FROM decisions WHERE decided_at < %(before)s
AND id IN (SELECT id FROM decisions ORDER BY id LIMIT %(limit)s)
"""
_WORK_SQL = """
DELETE FROM due_work WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM due_work WHERE state <> 'pending' AND gives_up_at < %(before)s
    ORDER BY gives_up_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
"""
# Caps and quotas look back a month.
_COUNTS_SQL = """
DELETE FROM asked_counts WHERE (day, program, segment) IN (
    SELECT day, program, segment FROM asked_counts WHERE day < %(before)s LIMIT %(limit)s)
"""
_STEPS = (_DECISIONS_SQL, _WORK_SQL, _COUNTS_SQL)

log = structlog.get_logger(__name__)


class Retention:
    """The worker that deletes what is older than `keep_days`. Any number of replicas may run one."""

    def __init__(self, pool: Pool, *, keep_days: int) -> None:
        self._pool = pool
        self._keep = timedelta(days=keep_days)

    def run(self, stop: threading.Event) -> None:
        """Works every hour until `stop`; outlives outages of PostgreSQL."""
        while not stop.is_set():
            try:
                self.once(stop)
                stop.wait(EVERY_SECONDS)
            except psycopg.OperationalError as error:
                log.warning("old decisions wait", error=type(error).__name__)
                stop.wait(RETRY_SECONDS)

    def once(self, stop: threading.Event) -> None:
        """Deletes all that is too old, some rows a transaction."""
        before = datetime.now(UTC) - self._keep
        for step in _STEPS:
            while not stop.is_set():
                with self._pool.connection() as connection:
                    if _rows(connection, step, before) < ROWS_A_STEP:
                        break


def _rows(connection: Connection[Any], statement: LiteralString, before: datetime) -> int:
    return connection.execute(statement, {"before": before, "limit": ROWS_A_STEP}).rowcount
