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
WAITING = 260
TIMED = 40
BATCHES = 30
ITEMS = 1_000
COMMENT = "x" * 5_000
MOST_MORE_MIB = 192
"""For a few bodies in hand and the messages that may wait. All 30 bodies would be 150 MiB more."""


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


def send_many(ingest: Ingest, number: int) -> tuple[int, str | None]:
    """Status and Retry-After of a batch as large as one may be."""
    body = [
        {"metric": "nps", "score": 3, "comment": COMMENT, "source_id": f"{number}-{item}"}
        for item in range(ITEMS)
    ]
    answer = ingest.http.post("/v1/responses/batch", json=body)
    return answer.status_code, answer.headers.get("retry-after")


def test_without_a_broker_calls_are_told_to_come_back(ingest: Ingest, broker: EmbeddedKafka) -> None:
    assert send(ingest, "before")[0] == 202
    before_mib = ingest.memory_mib()
    broker.kill()
    with ThreadPoolExecutor(WAITING + TIMED) as callers:
        told = list(callers.map(lambda number: send(ingest, f"during-{number}"), range(WAITING + TIMED)))
    assert {(status, retry) for status, _, retry in told} == {(503, "5")}
    # Of the first ones, this process's own haste to send the others is part.
    assert max(seconds for _, seconds, _ in told[WAITING:]) < ANSWERED_WITHIN_SECONDS
    assert not ingest.is_ready()

    with ThreadPoolExecutor(BATCHES) as callers:
        many = {callers.submit(send_many, ingest, number) for number in range(BATCHES)}
        most_mib = before_mib
        while not all(one.done() for one in many):
            most_mib = max(most_mib, ingest.memory_mib())
            time.sleep(0.02)
    assert {one.result() for one in many} == {(503, "5")}
    assert most_mib - before_mib < MOST_MORE_MIB

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
