"""Fires timers when they are due on the business clock, also those that came due while no router ran."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog

from runtime.clock import Clock
from runtime.postgres import Pool
from services.router import metrics, timer_store
from services.router.timer_store import Timer, TimerKind

BATCH = 100
IDLE_SECONDS = 0.5
DOWN_SECONDS = 1.0
AGAIN_AFTER = timedelta(minutes=1)
"""A timer whose handler failed is due again after that."""

Connection = psycopg.Connection[Any]
Handler = Callable[[Connection, Sequence[Timer], datetime], None]

log = structlog.get_logger(__name__)


class Timers:
    """The worker. Any number of replicas may run: a timer is fired by one of them.

    A handler works in the transaction that takes its timers, so either both happened or neither.
    """

    def __init__(self, *, pool: Pool, clock: Clock, handlers: Mapping[TimerKind, Handler]) -> None:
        self._pool = pool
        self._clock = clock
        self._handlers = handlers

    def run(self, stop: threading.Event) -> None:
        """Works until `stop`."""
        while not stop.is_set():
            try:
                fired = self.turn()
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("timers wait", error=type(error).__name__)
                stop.wait(DOWN_SECONDS)
            else:
                if fired == 0:
                    stop.wait(IDLE_SECONDS)

    def turn(self) -> int:
        """Fire what is due of one kind, at most a batch; returns how many it were."""
        with self._pool.connection() as connection:
            now = self._clock.now()
            due = timer_store.take(connection, now, limit=BATCH)
            if due:
                self._fire(connection, due[0].kind, due, now)
        return len(due)

    def _fire(self, connection: Connection, kind: TimerKind, timers: Sequence[Timer], now: datetime) -> None:
        try:
            with connection.transaction():
                self._handlers[kind](connection, timers, now)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception:  # whatever it was, the other timers must not wait for it
            if len(timers) > 1:
                for timer in timers:
                    self._fire(connection, kind, [timer], now)
                return
            log.exception("timer failed", kind=kind, subject=timers[0].subject)
            metrics.TIMERS_FAILED.labels(kind).inc()
            timer_store.start(connection, [replace(timers[0], due_at=now + AGAIN_AFTER)])
        else:
            metrics.TIMERS_FIRED.labels(kind).inc(len(timers))
