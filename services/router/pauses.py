"""Which destinations people have paused: asked of the database by every replica, once a second."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import structlog

from runtime.postgres import Pool
from services.router.delivery import DATABASE_DOWN

EVERY_SECONDS = 1.0

_SQL = "SELECT name, paused_at, paused_because FROM destinations WHERE paused_at IS NOT NULL"

Connection = psycopg.Connection[Any]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pause:
    """That nothing is to be sent to a destination."""

    at: datetime
    because: str


def paused(connection: Connection) -> Mapping[str, Pause]:
    """The paused destinations by name."""
    return {name: Pause(at, because) for name, at, because in connection.execute(_SQL)}


class Pauses:
    """What this replica last heard."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._paused: Mapping[str, Pause] = {}

    def holds(self, destination: str) -> bool:
        """Whether nothing is to be sent to it now."""
        return destination in self._paused

    def run(self, stop: threading.Event) -> None:
        """Ask again and again until `stop`; what was heard last holds while the database is away."""
        while not stop.is_set():
            try:
                with self._pool.connection() as connection:
                    self._paused = paused(connection)
            except DATABASE_DOWN as error:
                log.warning("pauses not read", error=type(error).__name__)
            stop.wait(EVERY_SECONDS)
