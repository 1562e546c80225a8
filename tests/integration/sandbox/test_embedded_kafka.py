import socket
from collections.abc import Iterator

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaTimeoutError

from sandbox.embedded_kafka import EmbeddedKafka
from sandbox.processes import EmbeddedServerError


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka(quick_start=True) as kafka:
        yield kafka
        pid = kafka.pid
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert not kafka.folder.exists()


def _produce(broker: EmbeddedKafka, topic: str, value: bytes) -> None:
    producer = KafkaProducer(
        bootstrap_servers=broker.bootstrap_servers,
        acks="all",
        max_block_ms=1000,
        allow_auto_create_topics=False,
    )
    try:
        producer.send(topic, value).get(timeout=10)
    finally:
        producer.close(timeout=1)


def test_acknowledged_records_survive_a_crash_and_the_port_stays(broker: EmbeddedKafka) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.create_topics({"answers": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    _produce(broker, "answers", b"nine")
    before, address = broker.pid, broker.bootstrap_servers

    broker.kill()
    assert broker.pid is None
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", broker.port)) != 0
    broker.start()

    assert broker.pid != before
    assert broker.bootstrap_servers == address
    consumer = KafkaConsumer(
        "answers", bootstrap_servers=address, auto_offset_reset="earliest", group_id=None
    )
    assert next(consumer).value == b"nine"
    consumer.close()


def test_topics_come_into_being_only_when_asked_for(broker: EmbeddedKafka) -> None:
    with pytest.raises(KafkaTimeoutError):
        _produce(broker, "nobody-created-me", b"lost")


def test_a_start_that_fails_says_why() -> None:
    kafka = EmbeddedKafka(quick_start=True)
    with (
        socket.create_server(("127.0.0.1", kafka.port)),
        pytest.raises(EmbeddedServerError, match="Address already in use"),
    ):
        kafka.start()
    kafka.close()
