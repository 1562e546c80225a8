"""A topic from its beginning to its end of now, for commands that look through all of it."""

from collections.abc import Iterator
from contextlib import closing

from kafka import KafkaConsumer, TopicPartition

from runtime.kafka import BLOCK_SECONDS, to_record
from runtime.messages import Record

_POLL_MS = 500


def records_of(bootstrap: str, topic: str) -> Iterator[Record]:
    """Each record, of each key the oldest first. Raises kafka.errors.KafkaError without a broker."""
    reading = KafkaConsumer(
        bootstrap_servers=bootstrap.split(","),
        enable_auto_commit=False,
        allow_auto_create_topics=False,
        bootstrap_timeout_ms=BLOCK_SECONDS * 1000,
    )
    with closing(reading):
        numbers = reading.partitions_for_topic(topic) or set()
        partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
        reading.assign(partitions)
        reading.seek_to_beginning(*partitions)
        ends = reading.end_offsets(partitions)
        while any(reading.position(partition) < ends[partition] for partition in partitions):
            for polled in reading.poll(timeout_ms=_POLL_MS).values():
                yield from map(to_record, polled)
