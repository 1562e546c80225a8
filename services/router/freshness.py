"""How far the projections are behind what is published."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from runtime.consumer import DependencyDown
from runtime.postgres import Pool
from services.router.metrics import PLANNED_ON_STALE_FACTS, PROJECTION_AGE
from services.router.projections import TOPICS

WAIT_SECONDS = 5.0
LOOK_SECONDS = 0.02
PROBE_SECONDS = 5.0
ANSWER_SECONDS = 2.0

Connection = psycopg.Connection[Any]
Offsets = Mapping[tuple[str, int], int]
log = structlog.get_logger(__name__)

_PROGRESS_SQL = "SELECT topic, partition, next_offset FROM projection_progress"


class Ends:
    """Asks the broker where the projected topics end now. Not for several threads at once."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._consumer: KafkaConsumer | None = None

    def now(self) -> Offsets:
        """Next offset of every partition with records.

        Raises KafkaError when the broker does not say, DependencyDown while a topic has not been created.
        """
        if self._consumer is None:
            self._consumer = KafkaConsumer(
                bootstrap_servers=self._bootstrap_servers.split(","),
                group_id=None,
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                metrics_enabled=False,
                bootstrap_timeout_ms=ANSWER_SECONDS * 1000,
            )
        partitions = [
            TopicPartition(topic, partition)
            for topic in TOPICS
            for partition in self._partitions(self._consumer, topic)
        ]
        ends = self._consumer.end_offsets(partitions, timeout_ms=ANSWER_SECONDS * 1000)
        return {(held.topic, held.partition): offset for held, offset in ends.items() if offset > 0}

    @staticmethod
    def _partitions(consumer: KafkaConsumer, topic: str) -> set[int]:
        partitions: set[int] | None = consumer.partitions_for_topic(topic)
        if not partitions:
            raise DependencyDown(f"{topic} does not exist yet")
        return partitions

    def close(self) -> None:
        """Let go of the broker."""
        if self._consumer is not None:
            self._consumer.close(autocommit=False, timeout_ms=ANSWER_SECONDS * 1000)


def is_caught_up(ends: Offsets, progress: Offsets) -> bool:
    """Whether everything before `ends` has been projected, by whichever replica holds the partition."""
    return all(progress.get(partition, 0) >= end for partition, end in ends.items())


def read_progress(connection: Connection) -> Offsets:
    """How far every partition has been projected."""
    return {(topic, partition): offset for topic, partition, offset in connection.execute(_PROGRESS_SQL)}


class FreshFacts:
    """Waits, before a batch is planned, for the projections to hold what was published when it was polled."""

    def __init__(self, ends: Callable[[], Offsets], wait_seconds: float = WAIT_SECONDS) -> None:
        self._ends = ends
        self._wait_seconds = wait_seconds

    def wait(self, connection: Connection) -> bool:
        """Returns whether they do; False after the time is up, and planning goes on with what is known."""
        ends = self._ends()
        deadline = time.monotonic() + self._wait_seconds
        while not is_caught_up(ends, read_progress(connection)):
            if time.monotonic() > deadline:
                PLANNED_ON_STALE_FACTS.inc()
                return False
            time.sleep(LOOK_SECONDS)
        return True


class ProjectionAge:
    """Keeps an eye on how old the projections are, for deliveries that must not go by outdated consent."""

    def __init__(self, *, ends: Ends, pool: Pool) -> None:
        self._ends = ends
        self._pool = pool
        self._fresh_at: float | None = None
        PROJECTION_AGE.set_function(self.seconds)

    def seconds(self) -> float:
        """Seconds since everything published was projected; infinite until that was first seen."""
        return float("inf") if self._fresh_at is None else time.monotonic() - self._fresh_at

    def run(self, stop: threading.Event) -> None:
        """Looks every few seconds, more often while behind, until `stop`."""
        try:
            while not stop.is_set():
                is_fresh = self._look()
                stop.wait(PROBE_SECONDS if is_fresh else PROBE_SECONDS / 10)
        finally:
            self._ends.close()

    def _look(self) -> bool:
        asked_at = time.monotonic()
        try:
            ends = self._ends.now()
            with self._pool.connection() as connection:
                is_fresh = is_caught_up(ends, read_progress(connection))
        except (KafkaError, DependencyDown, psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("projection age unknown", error=type(error).__name__)
            return False
        if is_fresh:
            self._fresh_at = asked_at
        return is_fresh
