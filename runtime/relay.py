"""The relay: takes the outbox to Kafka, at least once and in key order."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
import structlog
from kafka import KafkaProducer
from kafka.errors import (
    InvalidRecordError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from psycopg_pool import PoolClosed

from runtime import metrics, outbox
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.outbox import AnyConnection, Owed
from runtime.postgres import Pool, leading

STANDBY_SECONDS = 0.5
RETRY_SECONDS = 1.0
SWEEP_EVERY_SECONDS = 1.0
SWEEP_ROWS = 10_000
MEASURE_EVERY_SECONDS = 5.0
REFUSED_DAYS = 28

log = structlog.get_logger(__name__)

# What the broker says of a record that it will never take.
REFUSALS = {
    MessageSizeTooLargeError: "larger than its topic takes",
    RecordListTooLargeError: "larger than its topic takes",
    InvalidRecordError: "not a record its topic takes",
    InvalidTopicError: "not a topic's name",
}


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a batch of rows."""

    sent: tuple[int, ...]
    refused: tuple[tuple[int, str], ...]
    failure: KafkaError | None
    """Why the rest stays owed: worth another try with a new producer."""


def settle(rows: Sequence[Owed], outcomes: Sequence[KafkaError | None]) -> Settlement:
    """Decides from each row's outcome (None: acknowledged) which rows are done with.

    A row behind an unsent one of its topic and key stays owed though the broker took it: it is sent again
    after that one, so the last record of a key is its latest.
    """
    sent: list[int] = []
    refused: list[tuple[int, str]] = []
    failure: KafkaError | None = None
    waiting: set[tuple[str, bytes]] = set()
    for row, error in zip(rows, outcomes, strict=True):
        key = (row.message.topic, row.message.key)
        if type(error) in REFUSALS:
            refused.append((row.id, REFUSALS[type(error)]))
        elif error is not None:
            failure = error
            waiting.add(key)
        elif key not in waiting:
            sent.append(row.id)
    return Settlement(tuple(sent), tuple(refused), failure)


class Relay:
    """Sends a service's outbox; of several replicas' relays one works, the others stand by.

    All its SQL runs on the connection that holds the advisory lock: whoever lost the lock can mark nothing.
    A new one may then repeat what the old one still had in flight; readers of the topics expect repeats.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        kafka: KafkaSettings,
        batch_rows: int = 500,
        idle_seconds: float = 0.05,
        keep_sent_seconds: float = 3600,
    ) -> None:
        self._pool = pool
        self._kafka = kafka
        self._batch_rows = batch_rows
        self._idle_seconds = idle_seconds
        self._keep_sent_seconds = keep_sent_seconds
        self._trouble: str | None = "the relay has not started"

    def run(self, stop: threading.Event) -> None:
        """Relays until `stop`; outlives outages of PostgreSQL and Kafka."""
        while not stop.is_set():
            try:
                with leading(self._pool, "outbox relay") as connection:
                    if connection is not None:
                        self._work(connection, stop)
                        continue
                self._trouble = None
                stop.wait(STANDBY_SECONDS)
            except PoolClosed:
                raise
            except psycopg.OperationalError as error:
                self._hold("PostgreSQL", error, stop)
            except KafkaError as error:
                self._hold("Kafka", error, stop)

    def check(self) -> str | None:
        """Health: None while relaying or standing by for the replica that does."""
        return self._trouble

    def _hold(self, dependency: str, error: Exception, stop: threading.Event) -> None:
        self._trouble = f"the relay waits for {dependency} ({type(error).__name__})"
        log.warning("relay waits", dependency=dependency, error=type(error).__name__)
        stop.wait(RETRY_SECONDS)

    def _work(self, connection: AnyConnection, stop: threading.Event) -> None:
        to = producer(self._kafka)
        try:
            self._relay(connection, to, stop)
        finally:
            close(to)

    def _relay(self, connection: AnyConnection, to: KafkaProducer, stop: threading.Event) -> None:
        self._trouble = None
        sweep, measure = _Every(SWEEP_EVERY_SECONDS), _Every(MEASURE_EVERY_SECONDS)
        while not stop.is_set():
            rows = outbox.owed(connection, limit=self._batch_rows)
            if rows:
                self._send(connection, to, rows, stop)
            sweep.maybe(lambda: self._sweep(connection))
            measure.maybe(lambda: self._measure(connection))
            if len(rows) < self._batch_rows:
                stop.wait(self._idle_seconds)

    def _send(
        self, connection: AnyConnection, to: KafkaProducer, rows: Sequence[Owed], stop: threading.Event
    ) -> None:
        settlement = settle(rows, deliver(to, [row.message for row in rows], stop=stop))
        outbox.mark(connection, sent=settlement.sent, refused=settlement.refused)
        metrics.OUTBOX_SENT.labels(self._kafka.service).inc(len(settlement.sent))
        metrics.OUTBOX_REFUSED.labels(self._kafka.service).inc(len(settlement.refused))
        for row_id, cause in settlement.refused:
            log.error("outbox row refused", outbox_id=row_id, cause=cause)
        if settlement.failure is not None:
            raise settlement.failure

    def _sweep(self, connection: AnyConnection) -> None:
        outbox.sweep(
            connection,
            rows=SWEEP_ROWS,
            sent_seconds=self._keep_sent_seconds,
            refused_seconds=REFUSED_DAYS * 86_400,
        )

    def _measure(self, connection: AnyConnection) -> None:
        rows, oldest_seconds = outbox.backlog(connection)
        metrics.OUTBOX_UNSENT.labels(self._kafka.service).set(rows)
        metrics.OUTBOX_OLDEST.labels(self._kafka.service).set(oldest_seconds)


class _Every:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due = time.monotonic()

    def maybe(self, action: Callable[[], None]) -> None:
        if time.monotonic() >= self._due:
            action()
            self._due = time.monotonic() + self._seconds
