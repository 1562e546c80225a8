"""What surveys need now and then: unfinished answers end, visits are judged and later forgotten."""

import threading

import psycopg
import structlog

from runtime.clock import Clock
from runtime.postgres import Pool
from runtime.tracing import new_traceparent
from services.ingest import survey_answers, survey_visits, visit_store

EVERY_SECONDS = 2.0

log = structlog.get_logger(__name__)


class SurveyUpkeep:
    """The worker that does it, by the business clock. Any number of replicas may run one."""

    def __init__(self, *, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Works every few seconds until `stop`; outlives outages of PostgreSQL."""
        while not stop.is_set():
            try:
                looked_at = self.once()
            except psycopg.OperationalError as error:
                log.warning("unfinished surveys wait", error=type(error).__name__)
                looked_at = 0
            if not looked_at:
                stop.wait(EVERY_SECONDS)

    def once(self) -> int:
        """One look, in one transaction; returns at how many surveys."""
        now, traceparent = self._clock.now(), new_traceparent()
        with self._pool.connection() as connection:
            visit_store.forget(connection, now)
            return survey_answers.finish(connection, now, traceparent) + survey_visits.judge(
                connection, now, traceparent
            )
