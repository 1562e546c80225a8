"""The business clock as the page shows and turns it."""

import asyncio
from datetime import datetime, timedelta

import psycopg

from runtime.clock import ShiftedClock, turn_forward


class NoClockError(Exception):
    """The clock cannot be turned; the message says what to do."""


class BusinessClock:
    """Every service's shiftable clock, kept in PostgreSQL. Without a database there is none to show."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._clock: ShiftedClock | None = None

    async def now(self) -> datetime | None:
        """Aware UTC; None while the database or its table is not there."""
        if self._clock is None and self._url:
            try:
                self._clock = await asyncio.to_thread(ShiftedClock, self._url)
            except psycopg.Error:
                return None
        return self._clock.now() if self._clock is not None else None

    async def turn(self, days: float) -> timedelta:
        """Turn the clock forward and return how far ahead of the wall clock it is; raises NoClockError."""
        if not self._url:
            raise NoClockError("There is no business clock to turn: set DATABASE_URL.")
        try:
            return await asyncio.to_thread(turn_forward, self._url, timedelta(days=days))
        except psycopg.Error as error:
            raise NoClockError(
                f"The business clock could not be turned ({type(error).__name__}): `feedback migrate` first."
            ) from None

    def close(self) -> None:
        """Stop following the clock."""
        if self._clock is not None:
            self._clock.close()
