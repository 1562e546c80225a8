"""What a topic holds."""

from contextlib import closing

from kafka import KafkaConsumer, TopicPartition


def records(bootstrap: str, topic: str) -> int:
    """How many records were ever written to it."""
    with closing(KafkaConsumer(bootstrap_servers=bootstrap)) as consumer:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        return sum(consumer.end_offsets(partitions).values())
