"""Tells the workers of destinations that something is due, with one question for all of them."""

import threading
from collections.abc import Sequence
from typing import Any

import psycopg
import structlog

from runtime.postgres import Pool
from services.router.delivery import DATABASE_DOWN, DOWN_SECONDS, IDLE_SECONDS, Deliveries

LOOK_EVERY_SECONDS = 1.0
"""How often a worker looks for itself, should nobody tell it."""

_DUE_SQL = """
SELECT name FROM unnest(%(names)s::text[]) AS name
WHERE EXISTS (
    SELECT FROM pending
    WHERE destination = name AND due_at <= statement_timestamp()
      AND (leased_until IS NULL OR leased_until <= statement_timestamp()))
"""

Connection = psycopg.Connection[Any]
log = structlog.get_logger(__name__)


class Lookout:
    """Asks the ledger every tenth of a second; whoever planned what is due, and in whichever replica."""

    def __init__(self, pool: Pool, deliveries: Sequence[Deliveries]) -> None:
        self._pool = pool
        self._deliveries = {one.name: one for one in deliveries}

    def run(self, stop: threading.Event) -> None:
        """Asks until `stop`, and then lets nobody wait."""
        while not stop.is_set():
            try:
                with self._pool.connection() as connection:
                    connection.autocommit = True
                    self._watch(connection, stop)
            except DATABASE_DOWN as error:
                log.warning("lookout waits", error=type(error).__name__)
                stop.wait(DOWN_SECONDS)
        for one in self._deliveries.values():
            one.news.set()

    def _watch(self, connection: Connection, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                for (name,) in connection.execute(_DUE_SQL, {"names": list(self._deliveries)}):
                    self._deliveries[name].news.set()
                stop.wait(IDLE_SECONDS)
        finally:
            if not connection.broken:
                connection.autocommit = False
