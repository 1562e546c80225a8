"""The scheduler as processes, on Kafka and PostgreSQL."""

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString

import httpx2
import psycopg
import pytest
from kafka import KafkaConsumer

from runtime.clock import turn_forward
from runtime.cloudevents import Event, decode, to_message, traceparent_of
from runtime.kafka import KafkaSettings, close, deliver, producer, to_record
from runtime.messages import Record
from runtime.migrations import migrate
from runtime.tracing import new_traceparent, trace_id_of
from sandbox.processes import free_port, spawn, stop
from schemas.lifecycle import LifecycleEventOccurred, Moment, lifecycle_id
from schemas.profiles import ProfileChanged
from schemas.requests import SurveyRequested
from schemas.responses import Order

START_SECONDS = 60.0
CONFIG = Path("sandbox/sample")
"""One program, at any hour."""
KEY = "k" * 32
NOW = datetime.now(UTC)


class Replica:
    """One scheduler process."""

    def __init__(self, name: str, bootstrap: str, database: str, folder: Path) -> None:
        port = free_port()
        # A client makes a TLS context once; a fresh one for every question takes longer than the question.
        self.http = httpx2.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=5, headers={"Authorization": f"Bearer {KEY}"}
        )
        self._log = folder / f"{name}.log"
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "DATABASE_URL": database,
            "BUSINESS_CLOCK": "shiftable",
            "CONFIG_DIR": str(CONFIG),
            "INSTANCE": name,
            "OPS_PORT": str(port),
            "SCHEDULER_OPERATOR_KEY": KEY,
            "SCHEDULE_BATCH_SIZE": "50",
        }
        self.process = spawn(
            [sys.executable, "-m", "services.scheduler"], log=self._log, environment=os.environ | environment
        )

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        try:
            return self.http.get("/health/ready").status_code == 200
        except httpx2.TransportError:
            return False

    def metric(self, name: str) -> float:
        text = self.http.get("/metrics").text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    def end(self) -> float:
        """Stops it the polite way; returns how many seconds that took."""
        began = time.monotonic()
        stop(self.process, signal.SIGTERM)
        return time.monotonic() - began


@contextmanager
def replicas(count: int, bootstrap: str, database: str, folder: Path) -> Iterator[list[Replica]]:
    started = [Replica(str(number), bootstrap, database, folder) for number in range(count)]
    try:
        until(lambda: all(replica.is_ready() for replica in started), START_SECONDS)
        yield started
    finally:
        for replica in started:
            replica.http.close()
            stop(replica.process, signal.SIGKILL)


def until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def publish(bootstrap: str, events: Iterable[Event], traceparent: str) -> None:
    writer = producer(KafkaSettings(bootstrap, "tests"))
    failed = deliver(
        writer, [to_message(event, source="/tests", traceparent=traceparent) for event in events]
    )
    close(writer)
    assert not any(failed)


def requests(bootstrap: str) -> list[tuple[SurveyRequested, Record]]:
    """Every request on the topic, with the record it came in."""
    models = {SurveyRequested.TYPE: SurveyRequested}
    with closing(
        KafkaConsumer(
            SurveyRequested.TOPIC,
            bootstrap_servers=bootstrap,
            auto_offset_reset="earliest",
            consumer_timeout_ms=3_000,
        )
    ) as consumer:
        records = [to_record(polled) for polled in consumer]
    return [(decode(record, models), record) for record in records]


def bought_twice(person: str, days_ago: float) -> list[Event]:
    """Two purchases, due at the same time: two schedulers may hold one each."""
    at = NOW - timedelta(days=days_ago)
    purchases = [
        LifecycleEventOccurred(
            lifecycle_id=lifecycle_id("shop", f"{person} {number}"),
            source="shop",
            source_id=f"{person} {number}",
            order=Order(revision=1, tie=1),
            moment=Moment.PURCHASED,
            occurred_at=at,
            received_at=NOW,
            person_key=person,
        )
        for number in range(2)
    ]
    profile = ProfileChanged(person_key=person, version=1, changed_at=NOW, email=f"{person}@shop.test")
    return [*purchases, profile]


def count(database: str, statement: LiteralString) -> int:
    with psycopg.connect(database, options="-c search_path=scheduler") as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return int(row[0])


def reachable_with_work(database: str) -> int:
    return count(
        database,
        "SELECT count(*) FROM due_work JOIN people USING (person) WHERE people.address_mark IS NOT NULL",
    )


def asked(database: str) -> int:
    return count(database, "SELECT count(*) FROM requests")


def undecided(database: str) -> int:
    return count(database, "SELECT count(*) FROM due_work WHERE state = 'pending'")


def unsent(database: str) -> int:
    return count(database, "SELECT count(*) FROM outbox WHERE sent_at IS NULL")


@pytest.fixture
def tables(database: str) -> str:
    migrate(database, "scheduler")
    return database


@pytest.mark.timeout(240)
def test_every_due_person_is_asked_once_though_one_of_two_is_killed(
    topics: str, tables: str, tmp_path: Path
) -> None:
    people = {f"person{number}" for number in range(1_500)}
    too_early = {f"late{number}" for number in range(20)}
    traceparent = new_traceparent()
    with replicas(2, topics, tables, tmp_path) as (one, other):
        publish(topics, (event for person in people for event in bought_twice(person, 10)), traceparent)
        publish(topics, (event for person in too_early for event in bought_twice(person, 0)), traceparent)
        until(lambda: reachable_with_work(tables) == 2 * len(people | too_early), 30)

        turn_forward(tables, timedelta(days=25))
        until(lambda: asked(tables) > 0, 5)
        one.process.kill()
        until(lambda: undecided(tables) == 2 * len(too_early) and unsent(tables) == 0, 30)
        assert other.metric("feedback_survey_requests_total{") > 0

        reasons = other.http.get("/v1/decisions", params={"person": min(people)}).json()
        assert {decision["outcome"] for decision in reasons["decisions"]} == {"asked", "skipped"}
        waiting = other.http.get("/v1/decisions", params={"person": min(too_early)}).json()
        assert [work["state"] for work in waiting["work"]] == ["pending", "pending"]

        assert other.end() < 10
        assert other.process.returncode == 0

    ids = defaultdict(set)
    for request, record in requests(topics):
        ids[request.person_key].add(request.request_id)
        assert trace_id_of(traceparent_of(record.headers)) == trace_id_of(traceparent)
    assert set(ids) == people
    assert {len(of_person) for of_person in ids.values()} == {1}
    assert asked(tables) == len(people)


def test_a_broken_programs_file_keeps_the_scheduler_from_starting(tmp_path: Path) -> None:
    sample = (CONFIG / "programs.yaml").read_text()
    (tmp_path / "programs.yaml").write_text(sample.replace("delay_days: 30", "delay_days: soon"))
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "CONFIG_DIR": str(tmp_path),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "services.scheduler"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert ended.returncode == 2
    line = sample[: sample.index("delay_days: 30")].count("\n") + 1
    assert f"programs.yaml:{line}: programs.0.trigger.happened.delay_days: " in ended.stderr
