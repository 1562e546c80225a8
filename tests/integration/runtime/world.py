"""A small event, topics of a test's own, and threads that end with it."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import ClassVar

import pytest
from kafka import KafkaConsumer, TopicPartition
from pydantic import BaseModel

from runtime.cloudevents import to_message
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Message
from runtime.topics import TopicSpec, ensure_topics
from runtime.tracing import new_traceparent

DEADLINE_SECONDS = 30


class Counted(BaseModel):
    TOPIC: ClassVar[str] = "replaced by each test"
    TYPE: ClassVar[str] = "test.counted.v1"
    number: int
    key: str = "one"

    def event_key(self) -> str:
        return self.key

    def event_id(self) -> str:
        return f"counted-{self.number}"

    def event_time(self) -> datetime:
        return datetime(2026, 11, 1, tzinfo=UTC)


def message(topic: str, number: int, *, key: str = "one") -> Message:
    made = to_message(Counted(number=number, key=key), source="/tests", traceparent=new_traceparent())
    return Message(topic, made.key, made.value, made.headers)


def until(condition: Callable[[], object], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)


@contextmanager
def running(worker: Callable[[threading.Event], None]) -> Iterator[threading.Event]:
    """The worker in a thread; what it raises is raised here."""
    stop = threading.Event()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            worker(stop)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive(), "the worker did not stop"
    if raised:
        raise raised[0]


class Broker:
    """What a test does with Kafka from outside."""

    def __init__(self, bootstrap: str) -> None:
        self.settings = KafkaSettings(bootstrap, "tests", uuid.uuid4().hex[:8])

    def topic(self, *, partitions: int = 1, configs: Mapping[str, str] | None = None) -> str:
        name = f"tests.{uuid.uuid4().hex[:12]}.v1"
        self.make(name, partitions, configs or {})
        return name

    def make(self, name: str, partitions: int = 1, configs: Mapping[str, str] = MappingProxyType({})) -> None:
        """The topic and its dead-letter topic."""
        specs = [TopicSpec(name, partitions, configs), TopicSpec(f"{name}.dlq", 1, configs)]
        ensure_topics(self.settings.bootstrap_servers, specs)

    def write(self, messages: Sequence[Message]) -> None:
        to = producer(self.settings)
        failures = [outcome for outcome in deliver(to, messages) if outcome is not None]
        close(to)
        assert not failures

    def read(self, topic: str, count: int) -> list[Message]:
        """The first `count` records of a topic, in each partition's order."""
        with KafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers, max_partition_fetch_bytes=5_000_000
        ) as source:
            partitions = [TopicPartition(topic, number) for number in source.partitions_for_topic(topic)]
            source.assign(partitions)
            source.seek_to_beginning()
            found: list[Message] = []
            deadline = time.monotonic() + DEADLINE_SECONDS
            while len(found) < count and time.monotonic() < deadline:
                for records in source.poll(timeout_ms=200).values():
                    found += [Message(r.topic, r.key, r.value, tuple(r.headers)) for r in records]
        assert len(found) >= count, f"{len(found)} of {count} records in {topic}"
        return found
