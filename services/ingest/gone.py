"""Who was erased and when, in memory: an import must not bring back what was known of them before."""

import threading
from datetime import datetime

import psycopg
import structlog

from runtime.postgres import Pool

REFRESH_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Gone:
    """Erased keys, a second old at most. Keys are hashes: they tell nobody who it was."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._erased_at: dict[str, datetime] = {}

    def run(self, stop: threading.Event) -> None:
        """Reads them every second until `stop`; while PostgreSQL does not answer, the last ones count."""
        while not stop.is_set():
            try:
                with self._pool.connection() as connection:
                    rows = connection.execute("SELECT person_key, erased_at FROM erased").fetchall()
                self._erased_at = dict(rows)
            except psycopg.OperationalError as error:
                log.warning("erased people not refreshed", error=type(error).__name__)
            stop.wait(REFRESH_SECONDS)

    def is_old(self, person_key: str, at: datetime) -> bool:
        """Whether something of this time is about an erased person and from before their erasure."""
        erased_at = self._erased_at.get(person_key)
        return erased_at is not None and at <= erased_at
