"""The business clock decides what is due; it can be turned forward where a demo or a test says so.

Leases, retries and signatures never ask it: they use the database's clock or the wall clock.
"""

import threading
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

import psycopg
import structlog
from pydantic import SecretStr

REFRESH_SECONDS = 0.5
CONNECT_TIMEOUT_SECONDS = 2

CREATE_SQL = """
CREATE SCHEMA IF NOT EXISTS runtime;
CREATE TABLE IF NOT EXISTS runtime.business_clock (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    offset_seconds double precision NOT NULL CHECK (offset_seconds >= 0)
);
"""
_READ_SQL = "SELECT offset_seconds FROM runtime.business_clock"
_TURN_SQL = """
INSERT INTO runtime.business_clock (offset_seconds) VALUES (%(seconds)s)
ON CONFLICT (one_row) DO UPDATE
SET offset_seconds = business_clock.offset_seconds + excluded.offset_seconds
RETURNING offset_seconds
"""

log = structlog.get_logger(__name__)


class Clock(Protocol):
    """Something that knows the time."""

    def now(self) -> datetime:
        """Aware UTC."""


class ClockSettings(Protocol):
    """The settings that choose a clock."""

    @property
    def business_clock(self) -> Literal["wall", "shiftable"]:
        """Which one."""

    @property
    def database_url(self) -> SecretStr:
        """Where a shiftable clock's offset is kept."""


class WallClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)


class ShiftedClock:
    """Wall time plus an offset kept in PostgreSQL, the same for every process, at most a second old.

    Raises psycopg.OperationalError when the database is not there at the start; later the last offset counts.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._closed = threading.Event()
        self._offset = self._read()
        threading.Thread(target=self._refresh, name="business-clock", daemon=True).start()

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC) + self._offset

    def close(self) -> None:
        """Stops looking for a new offset."""
        self._closed.set()

    def _refresh(self) -> None:
        while not self._closed.wait(REFRESH_SECONDS):
            try:
                self._follow()
            except psycopg.Error as error:
                log.warning("business clock not refreshed", error=type(error).__name__)

    def _follow(self) -> None:
        with self._connect() as connection:
            while not self._closed.wait(REFRESH_SECONDS):
                self._offset = _offset(connection)

    def _read(self) -> timedelta:
        with self._connect() as connection:
            return _offset(connection)

    def _connect(self) -> psycopg.Connection[tuple[float]]:
        return psycopg.connect(
            self._url,
            autocommit=True,
            application_name="business-clock",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
        )


def business_clock(settings: ClockSettings) -> Clock:
    """The clock that the setting BUSINESS_CLOCK names."""
    if settings.business_clock == "shiftable":
        return ShiftedClock(settings.database_url.get_secret_value())
    return WallClock()


def turn_forward(url: str, by: timedelta) -> timedelta:
    """Turns every shiftable clock forward (never back) and returns the whole offset."""
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
        row = connection.execute(_TURN_SQL, {"seconds": by.total_seconds()}).fetchone()
    return timedelta(seconds=row[0]) if row else timedelta(0)


def _offset(connection: psycopg.Connection[tuple[float]]) -> timedelta:
    row = connection.execute(_READ_SQL).fetchone()
    return timedelta(seconds=row[0]) if row else timedelta(0)
