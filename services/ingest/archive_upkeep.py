"""What the archive needs now and then: the next month's partition, and the end of what is too old."""

import threading

import psycopg
import structlog

from runtime import partitions
from runtime.postgres import Pool
from schemas.raw import WebhookReceived

EVERY_SECONDS = 3600.0
RETRY_SECONDS = 10.0

NOBODYS_DAYS = 30
"""How long a call's body is kept when nobody knows whose words it holds: no erasure would find it."""

_END_NOBODYS_SQL = """
DELETE FROM archive WHERE topic = %(topic)s AND recorded_at < now() - make_interval(days => %(days)s)
AND NOT EXISTS (SELECT FROM webhook_receipts AS r
    WHERE r.raw_id::text = archive.event_id AND r.person_key IS NOT NULL)
"""

log = structlog.get_logger(__name__)


class ArchiveUpkeep:
    """The worker that does it; `keep_months` None keeps everything. Any number of replicas may run one."""

    def __init__(self, pool: Pool, *, keep_months: int | None) -> None:
        self._pool = pool
        self._keep_months = keep_months

    def run(self, stop: threading.Event) -> None:
        """Works every hour until `stop`; outlives outages of PostgreSQL."""
        while not stop.is_set():
            try:
                self.once()
                stop.wait(EVERY_SECONDS)
            except psycopg.OperationalError as error:
                log.warning("the archive's upkeep waits", error=type(error).__name__)
                stop.wait(RETRY_SECONDS)

    def once(self) -> None:
        """One look, in transactions of their own."""
        with self._pool.connection() as connection:
            months = partitions.this_and_next_month(connection)
            partitions.ensure_months(connection, "archive", months)
        with self._pool.connection() as connection:
            connection.execute(_END_NOBODYS_SQL, {"topic": WebhookReceived.TOPIC, "days": NOBODYS_DAYS})
        if self._keep_months is not None:
            with self._pool.connection() as connection:
                partitions.drop_months(
                    connection, "archive", partitions.month_of(months[0], -self._keep_months)
                )
