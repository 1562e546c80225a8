"""What the ledger needs now and then: next month's partition, the end of what is old, the queue's metrics."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import structlog

from runtime.partitions import drop_months, ensure_months, this_and_next_month
from runtime.postgres import Pool
from services.router import match_reviews, metrics, retention
from services.router.delivery import DATABASE_DOWN, Connected
from services.router.pauses import paused
from services.router.slack.store import forget_drafts

EVERY_SECONDS = 10.0
PARTITION_EVERY_TURNS = 360
STEPS_EACH_TURN = 48

Connection = psycopg.Connection[Any]
log = structlog.get_logger(__name__)

_BACKLOG_SQL = """
SELECT destination, count(*),
    greatest(0, extract(epoch FROM clock_timestamp() - min(due_at) FILTER (WHERE lease IS NULL)))::float8
FROM pending GROUP BY destination
"""
# An effect becomes ambiguous by a call that failed or was lost, so only those are looked at.
_AMBIGUOUS_SQL = """
SELECT p.destination, count(*) FROM pending AS p
JOIN effects AS e ON e.subject = p.subject AND e.action = p.action
WHERE (p.failures > 0 OR p.in_doubt) AND (e.outside = 'unknown' OR p.in_doubt)
GROUP BY p.destination
"""
_DESTINATION_SQL = """
INSERT INTO destinations AS d (name, enabled, reason)
SELECT name, enabled, reason
FROM unnest(%(names)b::text[], %(enabled)s::boolean[], %(reasons)b::text[]) AS given (name, enabled, reason)
ORDER BY name
ON CONFLICT (name) DO UPDATE SET enabled = excluded.enabled, reason = excluded.reason, changed_at = now()
WHERE (d.enabled, d.reason) IS DISTINCT FROM (excluded.enabled, excluded.reason)
"""


def ensure_partitions(connection: Connection) -> None:
    """Make the partitions of attempts for this month and the next, by the database's clock."""
    months = this_and_next_month(connection)
    ensure_months(connection, "attempts", months, options="WITH (fillfactor = 50)")


class Upkeep:
    """The worker that does it."""

    def __init__(self, *, pool: Pool, connected: Sequence[Connected], ledger_days: int) -> None:
        self._pool = pool
        self._connected = connected
        self._ledger_days = ledger_days

    def run(self, stop: threading.Event) -> None:
        """Works every few seconds until `stop`."""
        turns = 0
        while not stop.is_set():
            try:
                with self._pool.connection() as connection:
                    if turns % PARTITION_EVERY_TURNS == 0:
                        ensure_partitions(connection)
                        self._say_destinations(connection)
                    self._measure(connection)
                if turns % PARTITION_EVERY_TURNS == 0:
                    self._forget(stop)
                turns += 1
            except DATABASE_DOWN as error:
                log.warning("upkeep waits", error=type(error).__name__)
            stop.wait(EVERY_SECONDS)

    def _forget(self, stop: threading.Event) -> None:
        """What is too old, each step in a transaction of its own; one replica at a time."""
        before = datetime.now(UTC) - timedelta(days=self._ledger_days)
        with self._pool.connection() as connection:
            drop_months(connection, "attempts", before)
            forget_drafts(connection)
            retention.forget_cards(connection, datetime.now(UTC))
        for step in retention.STEPS:
            for _ in range(STEPS_EACH_TURN):
                with self._pool.connection() as connection:
                    connection.execute("SELECT pg_advisory_xact_lock(hashtext('router retention'))")
                    if not step(connection, before) or stop.is_set():
                        break

    def _measure(self, connection: Connection) -> None:
        to_review = match_reviews.counts(connection)
        found = {row[0]: row[1:] for row in connection.execute(_BACKLOG_SQL)}
        for one in self._connected:
            pending, overdue_seconds = found.get(one.plugin.name, (0, 0.0))
            metrics.PENDING.labels(one.plugin.name).set(pending)
            metrics.MATCHES_TO_REVIEW.labels(one.plugin.name).set(to_review.get(one.plugin.name, 0))
            metrics.OLDEST_DUE.labels(one.plugin.name).set(overdue_seconds or 0.0)
        ambiguous = dict(connection.execute(_AMBIGUOUS_SQL).fetchall())
        pauses = paused(connection)
        for one in self._connected:
            metrics.AMBIGUOUS.labels(one.plugin.name).set(ambiguous.get(one.plugin.name, 0))
            metrics.DESTINATION_PAUSED.labels(one.plugin.name).set(one.plugin.name in pauses)

    def _say_destinations(self, connection: Connection) -> None:
        connection.execute(
            _DESTINATION_SQL,
            {
                "names": [one.plugin.name for one in self._connected],
                "enabled": [one.disabled is None for one in self._connected],
                "reasons": [one.disabled for one in self._connected],
            },
        )
