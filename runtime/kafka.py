"""Our defaults for kafka-python: its own ones suit neither at-least-once nor a fast failover."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from kafka import KafkaConsumer, KafkaProducer
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError, KafkaTimeoutError, UnknownTopicOrPartitionError
from kafka.future import Future
from kafka.net.compat import KafkaNetClient

from runtime.messages import Message, Record

SESSION_TIMEOUT_SECONDS = 10
HEARTBEAT_SECONDS = 3
REQUEST_TIMEOUT_SECONDS = 10
BLOCK_SECONDS = 5
FETCH_WAIT_SECONDS = 1  # the broker answers at once when there is something
METADATA_SECONDS = 60
DELIVERY_TIMEOUT_SECONDS = 30
MAX_REQUEST_BYTES = 2_000_000
CLOSE_SECONDS = 2
# `deliver` ends it: a batch a partition leaves at once, instead of many while messages still come.
LINGER_MS = 200
_LOOK_EVERY_SECONDS = 0.2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Where the brokers are and who we are to them.

    `service` names the client in the broker's logs and in our metrics. `instance` is the slot of this
    replica (default: the host's name); two live processes must not share one, see `group_instance_id`.
    """

    bootstrap_servers: str
    service: str
    instance: str = field(default_factory=socket.gethostname)

    @property
    def group_instance_id(self) -> str:
        """Static membership (KIP-345): a restart within the session time-out moves no partition."""
        return re.sub(r"[^A-Za-z0-9._-]", "-", f"{self.service}-{self.instance}")


def producer(kafka: KafkaSettings) -> KafkaProducer:
    """A producer with acks=all that keeps order; without a broker raises KafkaTimeoutError after 5 s.

    It is not idempotent: kafka-python's idempotent producer is dead for good after one record that the broker
    refuses, and answers all others with that record's error. Readers bear repeats; one request in flight a
    connection keeps the order across retries.
    """
    return _connected(
        KafkaProducer,
        bootstrap_servers=kafka.bootstrap_servers.split(","),
        client_id=kafka.group_instance_id,
        acks="all",
        enable_idempotence=False,
        max_in_flight_requests_per_connection=1,
        allow_auto_create_topics=False,
        batch_size=256 * 1024,
        linger_ms=LINGER_MS,
        max_request_size=MAX_REQUEST_BYTES,
        max_block_ms=BLOCK_SECONDS * 1000,
        bootstrap_timeout_ms=BLOCK_SECONDS * 1000,
        request_timeout_ms=REQUEST_TIMEOUT_SECONDS * 1000,
        delivery_timeout_ms=DELIVERY_TIMEOUT_SECONDS * 1000,
        reconnect_backoff_max_ms=1000,
        metrics_enabled=False,
    )


def consumer(kafka: KafkaSettings, *, group: str, topics: Sequence[str], max_records: int) -> KafkaConsumer:
    """A member of `group` that commits only when told to.

    Raises KafkaTimeoutError without a broker, UnknownTopicOrPartitionError while a topic is missing.
    """
    source = _connected(
        KafkaConsumer,
        bootstrap_servers=kafka.bootstrap_servers.split(","),
        client_id=kafka.group_instance_id,
        group_id=group,
        group_instance_id=kafka.group_instance_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        max_poll_records=max_records,
        fetch_max_wait_ms=FETCH_WAIT_SECONDS * 1000,
        metadata_max_age_ms=METADATA_SECONDS * 1000,
        session_timeout_ms=SESSION_TIMEOUT_SECONDS * 1000,
        heartbeat_interval_ms=HEARTBEAT_SECONDS * 1000,
        bootstrap_timeout_ms=BLOCK_SECONDS * 1000,
        request_timeout_ms=REQUEST_TIMEOUT_SECONDS * 1000,
        reconnect_backoff_max_ms=1000,
        metrics_enabled=False,
    )
    try:
        source.subscribe(topics)
        _know_partitions(source, topics)
    except KafkaError:
        source.close(autocommit=False)
        raise
    return source


def _know_partitions(source: KafkaConsumer, topics: Sequence[str]) -> None:
    """Asks for the metadata once it is known what is subscribed to, and waits for them.

    kafka-python 3.0.12 compares them with those of its last assignment. A group's leader whose metadata come
    while it joins joins again, and forgets that it does when a poll ends before the second join: it stays
    outside and polls in a busy loop.
    """
    there = source.topics()
    missing = [topic for topic in topics if topic not in there]
    if missing:
        raise UnknownTopicOrPartitionError(f"there is no topic {', '.join(missing)}")


def _connected(cls: Callable[..., T], **config: object) -> T:
    """A client of kafka-python, or its error without the thread and the sockets that it leaves behind."""
    networks: list[KafkaNetClient] = []

    def network(**settings: object) -> KafkaNetClient:
        networks.append(KafkaNetClient(**settings))
        return networks[0]

    try:
        return cls(kafka_client=network, **config)
    except KafkaError:
        for left in networks:
            left.close()
        raise


def to_record(polled: ConsumerRecord) -> Record:
    """kafka-python's record as ours."""
    return Record(
        topic=polled.topic,
        partition=polled.partition,
        offset=polled.offset,
        key=polled.key,
        value=polled.value,
        headers=tuple([(name, value or b"") for name, value in polled.headers]),
        timestamp=datetime.fromtimestamp(polled.timestamp / 1000, UTC),
    )


def deliver(
    to: KafkaProducer, messages: Iterable[Message], *, stop: threading.Event | None = None
) -> list[KafkaError | None]:
    """Sends the messages together and awaits the broker's answer to each: None, or why it was not written.

    When `stop` is set, whatever is unanswered counts as failed. A topic whose partitions are unknown is
    waited for once, not once a message.
    """
    unknown_topics: dict[str, KafkaError] = {}
    answers = [_send(to, message, unknown_topics) for message in messages]
    deadline = time.monotonic() + DELIVERY_TIMEOUT_SECONDS + BLOCK_SECONDS
    while not all(answer.is_done for answer in answers):
        if time.monotonic() > deadline or (stop is not None and stop.is_set()):
            break
        with suppress(KafkaError):
            to.flush(timeout=_LOOK_EVERY_SECONDS)
    return [answer.exception if answer.is_done else KafkaTimeoutError() for answer in answers]


def close(to: KafkaProducer) -> None:
    """Closes a producer, also one without a broker: waits 2 s for what is in flight, then drops it."""
    try:
        to.close(timeout=CLOSE_SECONDS)
    except KafkaError:
        # close() passes a flush that timed out on to us before it has stopped the sending thread.
        to._sender.force_close()


Pending = Any  # kafka-python's future of one record; it ships no types


def _send(to: KafkaProducer, message: Message, unknown_topics: dict[str, KafkaError]) -> Pending:
    if message.topic in unknown_topics:
        return Future().failure(unknown_topics[message.topic])
    try:
        return to.send(message.topic, key=message.key, value=message.value, headers=list(message.headers))
    except KafkaTimeoutError as error:
        unknown_topics[message.topic] = error
        return Future().failure(error)
    except KafkaError as error:
        return Future().failure(error)
