"""Records a second from the topics into the archive's tables, beside a consumer that only reads them.

Both read the same records of a broker, the archive with PostgreSQL's commits on disk; a round reads all of
them once, and each rate is the median of its rounds.
"""

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bench import report
from bench.scratch import scratch_database
from runtime.cloudevents import to_message
from runtime.consumer import Consumer, Delivered
from runtime.dead_letters import DeadLetters
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Message, Record
from runtime.migrations import migrate
from runtime.postgres import Pool, open_pool
from runtime.topics import TopicSpec, ensure_topics
from runtime.tracing import new_traceparent
from sandbox.embedded_kafka import EmbeddedKafka
from sandbox.embedded_postgres import EmbeddedPostgres
from schemas.responses import Order, Respondent, ResponseRecorded, response_id
from schemas.scales import Metric
from schemas.topics import TOPICS
from services.ingest import archive
from services.ingest.archive_upkeep import ArchiveUpkeep

LOADED_AT_ONCE = 5_000
MOST_SECONDS = 300.0
Handle = Callable[[psycopg.Connection[Any], Sequence[Delivered[Record]]], None]


class _Counted:
    """A handler that knows when it has had so many records."""

    def __init__(self, handle: Handle, wanted: int) -> None:
        self._handle = handle
        self._wanted = wanted
        self.seen = 0
        self.started_at = 0.0
        self.done = threading.Event()

    def take(self, connection: psycopg.Connection[Any], delivered: Sequence[Delivered[Record]]) -> None:
        """Counts from the first record on; what joining a group takes is not the archive's."""
        self.started_at = self.started_at or time.perf_counter()
        self._handle(connection, delivered)
        self.seen += len(delivered)
        if self.seen >= self._wanted:
            self.done.set()


def measure(kafka: KafkaSettings, database: str, *, records: int, rounds: int) -> int:
    """Runs the rounds and reports; the exit status."""
    migrate(database, "ingest")
    ensure_topics(
        kafka.bootstrap_servers, [TopicSpec(one.name, one.partitions, one.settings()) for one in TOPICS]
    )
    _load(kafka, records)
    rates: dict[str, list[float]] = {"archive": [], "reading": []}
    with open_pool(database, schema="ingest", application="bench") as pool:
        ArchiveUpkeep(pool, keep_months=None).once()
        for number in range(rounds):
            with pool.connection() as connection:
                connection.execute("TRUNCATE archive")
            for name, handle in (("reading", _nothing), ("archive", archive.keep)):
                rates[name].append(_round(kafka, pool, f"{name}-{number}", handle, records))
                print(f"round {number + 1}: {name}: {rates[name][-1]:,.0f}/s", flush=True)
        with pool.connection() as connection:
            [(kept, distinct)] = connection.execute(
                "SELECT count(*), count(DISTINCT event_id) FROM archive"
            ).fetchall()
    return report.publish(
        "archive",
        figures={
            "archive_per_second": statistics.median(rates["archive"]),
            "reading_per_second": statistics.median(rates["reading"]),
            "unaccounted_records": 2 * records - kept - distinct,
        },
        scale={"records": records, "rounds": rounds},
        reference="a consumer that only reads",
        packages=("kafka-python", "psycopg"),
        at_least={"archive_per_second": 5_000},
        at_most={"unaccounted_records": 0},
    )


def _load(kafka: KafkaSettings, records: int) -> None:
    to = producer(kafka)
    try:
        for first in range(0, records, LOADED_AT_ONCE):
            messages = [_message(number) for number in range(first, min(first + LOADED_AT_ONCE, records))]
            failed = [error for error in deliver(to, messages) if error is not None]
            if failed:
                raise failed[0]
    finally:
        close(to)


def _message(number: int) -> Message:
    now = datetime.now(UTC)
    person = number % 5_000
    answer = ResponseRecorded(
        response_id=response_id("bench", f"answer-{number}"),
        person_key=f"{person:032x}",
        account_id=f"a-{number % 300}",
        source="bench",
        source_id=f"answer-{number}",
        order=Order(revision=number, tie=number),
        metric=Metric.NPS,
        score=number % 11,
        comment="Exports have been slow since the last release, and support took four days to answer.",
        responded_at=now - timedelta(minutes=number % 60),
        received_at=now,
        respondent=Respondent(customer_id=f"c-{person}", email=f"person-{person}@customer.example"),
    )
    return to_message(answer, source="/bench", traceparent=new_traceparent())


def _round(kafka: KafkaSettings, pool: Pool, group: str, handle: Handle, records: int) -> float:
    counted = _Counted(handle, records)
    consumer = Consumer(
        kafka=kafka,
        group=f"bench-{group}",
        topics=archive.TOPICS,
        decode=archive.as_it_is,
        handle=counted.take,
        pool=pool,
        dead_letters=DeadLetters(kafka),
        max_records=archive.MAX_RECORDS,
    )
    stop = threading.Event()
    worker = threading.Thread(target=consumer.run, args=(stop,))
    worker.start()
    is_done = counted.done.wait(MOST_SECONDS)
    seconds = time.perf_counter() - counted.started_at
    stop.set()
    worker.join()
    if not is_done:
        raise RuntimeError(f"{counted.seen} of {records} records after {MOST_SECONDS} s")
    return records / seconds


def _nothing(_connection: psycopg.Connection[Any], _delivered: Sequence[Delivered[Record]]) -> None:
    """Only reads."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    with EmbeddedKafka() as broker, EmbeddedPostgres() as postgres, scratch_database(postgres.url) as url:
        kafka = KafkaSettings(broker.bootstrap_servers, "bench")
        return measure(kafka, url, records=given.records, rounds=given.rounds)


if __name__ == "__main__":
    sys.exit(main())
