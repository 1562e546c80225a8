"""Responses in, classified events and dead letters out, and the classifier as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from runtime import cloudevents, tracing
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Message
from sandbox.processes import free_port, spawn
from schemas.classified import ResponseClassified
from schemas.responses import Order, ResponseRecorded, response_id
from schemas.scales import Metric
from schemas.topics import BY_NAME

ROOT = Path(__file__).parents[3]
DEADLINE_SECONDS = 90
PEOPLE = 50
Ends = Mapping[TopicPartition, int]
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def until(condition: Callable[[], object], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def response(number: int, *, comment: str | None = "It is slow and it crashes.") -> ResponseRecorded:
    return ResponseRecorded(
        response_id=response_id("tests", str(number)),
        person_key=f"person-{number % PEOPLE}",
        source="tests",
        source_id=str(number),
        order=Order(revision=number, tie=number),
        metric=Metric.NPS,
        score=number % 11,
        comment=comment,
        responded_at=NOW,
        received_at=NOW,
    )


def message(number: int) -> Message:
    return cloudevents.to_message(
        response(number), source="/services/ingest", traceparent=tracing.new_traceparent()
    )


class Topics:
    """The broker, as the classifier's neighbours see it."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def write(self, messages: Sequence[Message]) -> None:
        to = producer(KafkaSettings(self.bootstrap, "tests"))
        try:
            assert not any(deliver(to, messages))
        finally:
            close(to)

    def count(self, topic: str) -> int:
        with self._reader() as reader:
            return sum(reader.end_offsets(_partitions(topic)).values())

    def ends(self, topic: str) -> Ends:
        with self._reader() as reader:
            found: Ends = reader.end_offsets(_partitions(topic))
            return found

    def read(self, topic: str, count: int, *, since: Ends | None = None) -> list[ConsumerRecord]:
        """At least `count` records from `since` on, each partition's in order."""
        found: list[ConsumerRecord] = []
        for records in self._poll(topic, since):
            found += records
            if len(found) >= count:
                return found
        return pytest.fail(f"only {len(found)} of {count} records of {topic} within {DEADLINE_SECONDS} s")

    def read_classified(self, wanted: Set[int], *, since: Ends | None = None) -> list[ConsumerRecord]:
        """Classified events from `since` on, until all the responses wanted were among them."""
        found: list[ConsumerRecord] = []
        missing = set(wanted)
        for records in self._poll(ResponseClassified.TOPIC, since):
            found += records
            missing -= {number_of(record) for record in records}
            if not missing:
                return found
        return pytest.fail(f"{len(missing)} of {len(wanted)} are missing after {DEADLINE_SECONDS} s")

    def _poll(self, topic: str, since: Ends | None) -> Iterator[list[ConsumerRecord]]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        with self._reader() as reader:
            partitions = _partitions(topic)
            reader.assign(partitions)
            for partition in partitions:
                reader.seek(partition, (since or {}).get(partition, 0))
            while time.monotonic() < deadline:
                yield from reader.poll(timeout_ms=200).values()

    def _reader(self) -> KafkaConsumer:
        return KafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=5_000_000
        )


def _partitions(topic: str) -> list[TopicPartition]:
    known = BY_NAME[topic.removesuffix(".dlq")]
    return [TopicPartition(topic, number) for number in range(known.partitions)]


def number_of(record: ConsumerRecord) -> int:
    """The response that a classified event is about."""
    return int(json.loads(record.value)["response"]["source_id"])


class Worker:
    """One classifier process."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, port: int) -> None:
        self.process = process
        self._log = log
        self._port = port

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def problems(self) -> dict[str, str] | None:
        """What is not ready; empty when all is, None when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health/ready", timeout=5) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:
            body = error.read()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return None
        problems: dict[str, str] = json.loads(body)["problems"]
        return problems

    def ask(self, path: str, question: Mapping[str, object]) -> dict[str, Any]:
        """What it answers to a question over HTTP."""
        url = f"http://127.0.0.1:{self._port}{path}"
        answer = httpx2.post(url, json=dict(question), timeout=DEADLINE_SECONDS).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def metric(self, name: str) -> float:
        """The sum over a metric's labels; 0 while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return 0
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} "))
        )

    def wait_ready(self) -> None:
        until(lambda: self.problems() == {}, f"the classifier is ready\n{self.log}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stays(self, seconds: float) -> bool:
        """Whether it is still running so much later."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def end(self) -> int:
        """Asks it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_SECONDS)


@contextmanager
def classifier(bootstrap: str, folder: Path, *, instance: str = "1", **settings: str) -> Iterator[Worker]:
    log, port = folder / f"classifier-{instance}.log", free_port()
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "CONFIG_DIR": str(ROOT / "deploy" / "config"),
        "OPS_PORT": str(port),
        "INSTANCE": instance,
        "PYTHONPATH": str(ROOT),
    }
    process = spawn(
        [sys.executable, "-m", "services.classifier"],
        log=log,
        environment=os.environ | environment | settings,
    )
    try:
        yield Worker(process, log, port)
    finally:
        process.kill()
        process.wait()
