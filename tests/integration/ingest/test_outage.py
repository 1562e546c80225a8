"""The broker goes and comes back: nobody is told 202 in vain, and nobody waits for ever."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from runtime.migrations import migrate
from runtime.topics import TopicSpec, ensure_topics
from sandbox.embedded_kafka import EmbeddedKafka
from schemas.profiles import ProfileChanged
from schemas.responses import ResponseRecorded
from schemas.topics import EVERY_TOPIC
from tests.integration.ingest.world import Ingest, eventually

ANSWERED_WITHIN_SECONDS = 5.0
ALIVE_WITHIN_SECONDS = 10.0


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    """A broker of this module's own, because it is killed."""
    with EmbeddedKafka(quick_start=True) as kafka:
        ensure_topics(
            kafka.bootstrap_servers,
            [TopicSpec(one.name, one.partitions, one.settings()) for one in EVERY_TOPIC],
        )
        yield kafka


@pytest.fixture(scope="module")
def ingest(
    broker: EmbeddedKafka, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ingest]:
    migrate(database, "ingest")
    with closing(Ingest(broker.bootstrap_servers, database, tmp_path_factory.mktemp("ingest"))) as running:
        yield running


def send(ingest: Ingest, source_id: str) -> tuple[int, float, str | None]:
    """Status, seconds, Retry-After."""
    started = time.monotonic()
    body = {"metric": "nps", "score": 3, "source_id": source_id}
    answer = ingest.http.post("/v1/responses", json=body)
    return answer.status_code, time.monotonic() - started, answer.headers.get("retry-after")


def test_without_a_broker_calls_are_told_to_come_back(ingest: Ingest, broker: EmbeddedKafka) -> None:
    assert send(ingest, "before")[0] == 202
    broker.kill()
    with ThreadPoolExecutor(40) as callers:
        told = list(callers.map(lambda number: send(ingest, f"during-{number}"), range(40)))
    assert {status for status, _, _ in told} == {503}
    assert {retry for _, _, retry in told} == {"5"}
    assert max(seconds for _, seconds, _ in told) < ANSWERED_WITHIN_SECONDS
    assert not ingest.is_ready()

    put = ingest.http.put("/v1/profiles/c-1", json={"name": "Dana"})
    assert (put.status_code, put.headers["retry-after"]) == (503, "5")

    broker.start()
    returned = time.monotonic()
    eventually(lambda: send(ingest, "after")[0] == 202)
    assert time.monotonic() - returned < ALIVE_WITHIN_SECONDS
    eventually(ingest.is_ready)

    # What was stored before the 503 is relayed, and sending it again finds it.
    eventually(lambda: ingest.http.put("/v1/profiles/c-1", json={"name": "Dana"}).status_code == 200)
    assert [one.version for one in ingest.events(ProfileChanged) if one.customer_id == "c-1"] == [1]
    accepted = {event.source_id for event in ingest.events(ResponseRecorded)}
    assert {"before", "after"} <= accepted
