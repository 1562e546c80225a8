"""The broker goes away and comes back, or stays and refuses: nothing is lost, nothing pretends to work."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from runtime.topics import TopicSpec, ensure_topics
from sandbox.embedded_kafka import EmbeddedKafka
from schemas.classified import ResponseClassified
from schemas.responses import ResponseRecorded
from schemas.topics import BY_NAME
from tests.integration.classifier.world import Topics, classifier, message, until

IN, OUT = ResponseRecorded.TOPIC, ResponseClassified.TOPIC
OUTAGE_SECONDS = 20

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def kafka() -> Iterator[EmbeddedKafka]:
    """A broker of this test's own, since it is stopped or lacks a topic."""
    with EmbeddedKafka(quick_start=True) as server:
        for name in (IN, OUT):
            _create(server, name)
        yield server


def _create(server: EmbeddedKafka, name: str) -> None:
    topic = BY_NAME[name]
    ensure_topics(
        server.bootstrap_servers,
        [TopicSpec(topic.name, topic.partitions), TopicSpec(topic.dead_letters, topic.partitions)],
    )


def test_a_broker_outage_heals_alone(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    broker = Topics(kafka.bootstrap_servers)
    before, after = set(range(6_000)), set(range(6_000, 7_000))
    broker.write([message(number) for number in before])
    with classifier(kafka.bootstrap_servers, tmp_path) as worker:
        broker.read(OUT, 500)
        kafka.kill()
        until(lambda: "waits for Kafka" in str(worker.problems()), "health tells of the outage")
        assert worker.stays(OUTAGE_SECONDS)
        kafka.start()
        broker.write([message(number) for number in after])
        broker.read_classified(before | after)
        until(lambda: worker.problems() == {}, "the classifier is ready again")
        assert worker.process.poll() is None


def test_a_stop_during_an_outage_is_in_time_and_loses_nothing(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    broker = Topics(kafka.bootstrap_servers)
    sent = set(range(6_000))
    broker.write([message(number) for number in sent])
    with classifier(kafka.bootstrap_servers, tmp_path) as worker:
        broker.read(OUT, 500)
        kafka.kill()
        started = time.monotonic()
        assert worker.end() == 0
        assert time.monotonic() - started < 10
    kafka.start()
    with classifier(kafka.bootstrap_servers, tmp_path):
        broker.read_classified(sent)


def test_a_process_that_cannot_move_ends_itself_and_its_successor_loses_nothing(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    broker = Topics(kafka.bootstrap_servers)
    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)) as admin:
        admin.delete_topics([OUT])
    with classifier(kafka.bootstrap_servers, tmp_path, STALLED_SECONDS="6") as worker:
        broker.write([message(number) for number in range(300)])
        assert worker.process.wait(60) == 1
        assert "Stalled" in worker.log

    _create(kafka, OUT)
    with classifier(kafka.bootstrap_servers, tmp_path):
        broker.read_classified(set(range(300)))


def test_without_a_broker_it_waits_for_one(tmp_path: Path) -> None:
    with classifier("127.0.0.1:9", tmp_path) as worker:
        until(lambda: "waits for Kafka" in str(worker.problems()), "health says what is missing")
        assert worker.end() == 0
