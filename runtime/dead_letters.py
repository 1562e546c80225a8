"""Records that a consumer cannot use: kept, as they were, with where they came from and what was wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from kafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from runtime import metrics
from runtime.cloudevents import event_id_of
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Message, Record

if TYPE_CHECKING:
    from kafka import KafkaProducer

SUFFIX = ".dlq"
MAX_VALUE_BYTES = 1_000_000
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record and why it could not be used: `cause` one of a few words, `detail` free of personal data."""

    record: Record
    cause: str
    detail: str = ""


def to_message(letter: DeadLetter, *, consumer: str, max_value_bytes: int = MAX_VALUE_BYTES) -> Message:
    """The record under its own key and headers, followed by `dlq_*` headers that say why and from where.

    A value beyond `max_value_bytes` is cut, and `dlq_original_bytes` says how long it was.
    """
    record = letter.record
    headers = [
        *record.headers,
        ("dlq_cause", letter.cause.encode()),
        ("dlq_detail", letter.detail.encode()),
        ("dlq_topic", record.topic.encode()),
        ("dlq_partition", str(record.partition).encode()),
        ("dlq_offset", str(record.offset).encode()),
        ("dlq_timestamp", record.timestamp.isoformat().encode()),
        ("dlq_consumer", consumer.encode()),
    ]
    value = record.value
    if value is not None and len(value) > max_value_bytes:
        headers.append(("dlq_original_bytes", str(len(value)).encode()))
        value = value[:max_value_bytes]
    # Kafka needs a key or a value; a record without a key is told from others by its place.
    key = record.key or f"{record.topic}/{record.partition}/{record.offset}".encode()
    return Message(record.topic + SUFFIX, key, value, tuple(headers))


def report(letter: DeadLetter) -> None:
    """Log and count a dead letter."""
    record = letter.record
    metrics.DEAD_LETTERS.labels(record.topic, letter.cause).inc()
    log.warning(
        "dead letter",
        cause=letter.cause,
        detail=letter.detail,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event_id=event_id_of(record.headers),
    )


class DeadLetters:
    """Writes dead letters and awaits the broker; one thread at a time."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer: KafkaProducer | None = None

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Returns when the broker has all of them; raises KafkaError when it has not (some may be there)."""
        if not letters:
            return
        try:
            self._deliver(letters, MAX_VALUE_BYTES)
        except KafkaError:
            self.close()
            raise
        for letter in letters:
            report(letter)

    def close(self) -> None:
        """Releases the producer; a later `send` makes a new one."""
        if self._producer is not None:
            close(self._producer)
            self._producer = None

    def _deliver(self, letters: Sequence[DeadLetter], max_value_bytes: int) -> None:
        if self._producer is None:
            self._producer = producer(self._kafka)
        messages = [
            to_message(letter, consumer=self._kafka.service, max_value_bytes=max_value_bytes)
            for letter in letters
        ]
        outcomes = deliver(self._producer, messages)
        failures = [outcome for outcome in outcomes if outcome is not None]
        refused = [
            letter
            for letter, outcome in zip(letters, outcomes, strict=True)
            if isinstance(outcome, _TOO_LARGE)
        ]
        if len(failures) > len(refused) or (refused and not max_value_bytes):
            raise next(failure for failure in failures)
        if refused:
            self._deliver(refused, max_value_bytes // 2)
