"""Insights as a process, on Kafka and PostgreSQL."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import httpx2
import psycopg

from runtime.cloudevents import to_message
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Message
from runtime.migrations import migrate
from runtime.postgres import conninfo
from runtime.tracing import new_traceparent
from sandbox.processes import free_port, spawn, stop
from schemas.classified import ResponseClassified
from schemas.erasures import ErasureRequested
from schemas.event import Event
from schemas.profiles import ProfileChanged
from schemas.scales import Metric
from services.insights import answers, figures
from services.insights.counting import Counting
from services.insights.definitions import Score
from services.insights.filters import Dimension, Filter
from services.insights.image import newest
from tests.integration.ingest.world import eventually
from tests.integration.insights.world import EPOCH, account, answered, hour, profile

SHOWN_WITHIN_SECONDS = 5
PEOPLE = tuple(f"person {number}" for number in range(20))


def publish(bootstrap: str, events: Sequence[Event], *tombstones: str) -> None:
    writer = producer(KafkaSettings(bootstrap, "tests"))
    messages = [to_message(event, source="/tests", traceparent=new_traceparent()) for event in events]
    messages += [Message(ProfileChanged.TOPIC, key.encode(), None, ()) for key in tombstones]
    assert not any(deliver(writer, messages))
    close(writer)


def seconds_until_shown(bootstrap: str, database: str, answer: ResponseClassified) -> float:
    """From the topic to what the pages read."""

    def is_shown() -> bool:
        with psycopg.connect(conninfo(database, schema="insights", application="tests")) as connection:
            return answers.one(connection, answer.response.response_id) is not None

    publish(bootstrap, [answer])
    began = time.monotonic()
    eventually(is_shown)
    return time.monotonic() - began


def is_ready(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
    except httpx2.TransportError:
        return False


def test_what_is_on_the_topics_is_counted_also_after_a_kill_and_forgotten_when_asked(
    topics: str, database: str, tmp_path: Path
) -> None:
    migrate(database, "insights")
    port = free_port()
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": topics,
        "DATABASE_URL": database,
        "INSTANCE": "1",
        "OPS_PORT": str(port),
        "REPORTING_TIME_ZONE": "Europe/Berlin",
    }
    command = [sys.executable, "-m", "services.insights"]
    wanted = Filter(Metric.NPS, EPOCH.date(), EPOCH.date()).choosing(Dimension.OWNER, "olga@ours.test")

    def score() -> Score:
        with psycopg.connect(conninfo(database, schema="insights", application="tests")) as connection:
            return figures.headline(Counting(newest(connection)), wanted).score

    publish(topics, [answered(person, 1, 9) for person in PEOPLE])
    process = spawn(command, log=tmp_path / "first.log", environment=environment)
    publish(topics, [profile(person, 2, account_id="acme") for person in PEOPLE])
    publish(topics, [account("acme", 1, owner_email="olga@ours.test")])
    eventually(lambda: score().tally.answers == len(PEOPLE))
    stop(process, signal.SIGKILL)
    publish(topics, [answered(person, 1, 3, revision=2) for person in PEOPLE])
    process = spawn(command, log=tmp_path / "second.log", environment=environment)
    publish(
        topics,
        [ErasureRequested(erasure_id=uuid4(), person_key=PEOPLE[0], requested_at=hour(5))],
        PEOPLE[1],
    )
    eventually(lambda: score().tally.answers == len(PEOPLE) - 2)
    eventually(lambda: is_ready(port))
    assert seconds_until_shown(topics, database, answered("late", 6, comment="Now.")) < SHOWN_WITHIN_SECONDS
    stop(process, signal.SIGTERM)
    assert score().value == -100
