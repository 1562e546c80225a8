"""The archive holds every record of every topic, whatever dies, and gives it back through replay topics."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.jobs import topic_specs
from cli.reclassify import Progress
from runtime.cloudevents import event_id_of, to_message
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Message, header
from runtime.migrations import migrate
from runtime.partitions import ensure_months, month_of
from runtime.postgres import conninfo, open_pool
from runtime.topics import ensure_topics
from runtime.tracing import new_traceparent
from sandbox.embedded_kafka import EmbeddedKafka
from schemas.classified import ResponseClassified
from schemas.event import Effects
from schemas.raw import WebhookReceived
from schemas.responses import Order, ResponseRecorded, response_id
from schemas.scales import Metric
from schemas.topics import REPLAYED, TOPICS
from services.ingest.archive_upkeep import ArchiveUpkeep
from tests.integration.ingest.archiver import Archiver
from tests.integration.ingest.world import START_SECONDS, eventually, records

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[3]
NOW = datetime.now(UTC)
ARCHIVED_WITHIN_SECONDS = 90.0
Place = tuple[str, int, int, str | None]


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    """A broker of this module's own, because it is killed."""
    with EmbeddedKafka(quick_start=True) as kafka:
        ensure_topics(kafka.bootstrap_servers, topic_specs(replication=1))
        yield kafka


@pytest.fixture(scope="module")
def tables(database: str) -> str:
    migrate(database, "ingest")
    return database


def answer(number: int, person: str = "p-1") -> ResponseRecorded:
    source_id = f"answer-{number}"
    return ResponseRecorded(
        response_id=response_id("crm", source_id),
        person_key=person,
        source="crm",
        source_id=source_id,
        order=Order(revision=number, tie=number),
        metric=Metric.NPS,
        score=number % 11,
        responded_at=NOW,
        received_at=NOW,
    )


def of_every_topic(numbers: Iterator[int]) -> list[Message]:
    """A record for each topic, one that nobody understands, and a tombstone."""
    messages = [
        to_message(answer(next(numbers), f"p-{number}"), source="/tests", traceparent=new_traceparent())
        for number in range(50)
    ]
    messages += [
        Message(topic.name, b"p-1", b'{"any": "thing"}', (("ce_id", b"%d" % next(numbers)),))
        for topic in TOPICS
    ]
    return [
        *messages,
        Message("customer.profiles.v1", b"p-1", None, ()),
        Message("feedback.responses.v1", b"\xff\x00", b"\x00\xff", (("ce_id", b"\xff\x00"),)),
    ]


def send(bootstrap: str, messages: Sequence[Message]) -> None:
    to = producer(KafkaSettings(bootstrap, "tests"))
    try:
        assert deliver(to, messages) == [None] * len(messages)
    finally:
        close(to)


def on_topics(bootstrap: str) -> set[Place]:
    return {
        (one.topic, one.partition, one.offset, (event_id_of(one.headers) or "").replace("\x00", "") or None)
        for topic in TOPICS
        for one in records(bootstrap, topic.name)
    }


def rows(database: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(conninfo(database, schema="ingest", application="tests")) as connection:
        return connection.execute(statement).fetchall()


def archived(database: str) -> list[Place]:
    return rows(database, "SELECT topic, partition, record_offset, event_id FROM archive")


def test_it_is_complete_whatever_dies(broker: EmbeddedKafka, tables: str, tmp_path: Path) -> None:
    numbers = count(1)
    ends = threading.Event()

    def go_on_sending() -> None:
        while not ends.is_set():
            send(broker.bootstrap_servers, of_every_topic(numbers))

    for _ in range(2):
        with Archiver(broker.bootstrap_servers, tables, tmp_path) as archiver:
            before = len(archived(tables))
            sender = threading.Thread(target=go_on_sending)
            sender.start()
            eventually(lambda held=before: len(archived(tables)) > held + 300)  # type: ignore[misc]
            archiver.kill()
        ends.set()
        sender.join()
        ends.clear()

    with Archiver(broker.bootstrap_servers, tables, tmp_path) as archiver:
        eventually(archiver.is_ready, seconds=START_SECONDS)
        send(broker.bootstrap_servers, of_every_topic(numbers))
        broker.kill()
        eventually(lambda: not archiver.is_ready())
        broker.start()
        send(broker.bootstrap_servers, of_every_topic(numbers))
        sent = on_topics(broker.bootstrap_servers)
        assert len(sent) >= next(numbers) - 1
        eventually(lambda: len(archived(tables)) >= len(sent), seconds=ARCHIVED_WITHIN_SECONDS)
        assert sorted(archived(tables), key=str) == sorted(sent, key=str)


def test_one_consumer_is_fed_again(
    broker: EmbeddedKafka, tables: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", tables)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap_servers)
    with Archiver(broker.bootstrap_servers, tables, tmp_path):
        since = datetime.now(UTC).isoformat()
        mine = [answer(number, "p-republished") for number in (1_000_001, 1_000_002)]
        other = answer(1_000_003, "p-other")
        send(
            broker.bootstrap_servers,
            [to_message(one, source="/tests", traceparent=new_traceparent()) for one in (*mine, other)],
        )
        eventually(lambda: bool(rows(tables, "SELECT 1 FROM archive WHERE key = 'p-other'")))
        command = ["republish", "--topic", ResponseRecorded.TOPIC, "--for", "scheduler", "--since", since]

        told = CliRunner().invoke(app, [*command, "--person", "p-republished"])
        assert (told.exit_code, told.stdout.split()[0]) == (0, "2"), told.output

        again = records(broker.bootstrap_servers, REPLAYED["scheduler"].name)
        events = [ResponseRecorded.model_validate_json(one.value or b"") for one in again]
        assert [UUID(str(event_id_of(one.headers))) for one in again] == [
            UUID(one.event_id()) for one in mine
        ]
        assert events == [one.model_copy(update={"effects": Effects.RECORD}) for one in mine]
        assert {header(one.headers, "ce_type") for one in again} == {ResponseRecorded.TYPE.encode()}
        assert not rows(tables, "SELECT 1 FROM archive WHERE topic LIKE '%replay%'")

        assert CliRunner().invoke(app, command).stdout.startswith("3 records")
    refused = CliRunner().invoke(app, [*command[:4], "router", *command[5:]])
    assert refused.exit_code == 2
    assert "feedback.classified.v1" in refused.output


def test_answers_are_classified_again_and_a_broken_off_run_goes_on(
    broker: EmbeddedKafka, tables: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", tables)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap_servers)
    themes = ROOT / "deploy" / "config" / "themes.yaml"
    newer = tmp_path / "themes.yaml"
    newer.write_text(themes.read_text().replace("version: 1\n", "version: 2\n", 1))
    since = datetime.now(UTC).isoformat()
    with Archiver(broker.bootstrap_servers, tables, tmp_path):
        before = [
            ResponseClassified(
                response=answer(number, "p-again").model_copy(update={"comment": "It is slow"}),
                classification_version=1,
            )
            for number in (2_000_001, 2_000_002)
        ]
        for one in before:  # one after the other: the archive goes by the time of a record
            send(broker.bootstrap_servers, [to_message(one, source="/tests", traceparent=new_traceparent())])
        chosen = "SELECT recorded_at, partition, record_offset FROM archive WHERE key = 'p-again'"
        eventually(lambda: len(rows(tables, chosen)) == len(before))
    command = ["reclassify", "--since", since, "--themes", str(newer), "--models", str(tmp_path / "models")]
    first = min(rows(tables, chosen))
    broken_off = Progress(
        version=2, since=datetime.fromisoformat(since), only=[], effects=Effects.RECORD,
        recorded_at=first[0], partition=first[1], offset=first[2],
    )  # fmt: skip
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "reclassify.json").write_text(broken_off.model_dump_json())

    told = CliRunner().invoke(app, command)
    assert (told.exit_code, told.stdout.split()[0]) == (0, "1"), told.output
    assert CliRunner().invoke(app, command).stdout.split()[0] == "2"

    again = [
        ResponseClassified.model_validate_json(one.value or b"")
        for one in records(broker.bootstrap_servers, REPLAYED["router"].name)
    ]
    assert [one.response.source_id for one in again] == [
        before[number].response.source_id for number in (1, 0, 1)
    ]
    assert {one.classification_version for one in again} == {2}
    assert {one.response.effects for one in again} == {Effects.RECORD}
    assert [tag.theme for tag in again[0].themes] == ["performance"]


def test_months_are_made_ahead_and_dropped_when_they_are_too_old(tables: str) -> None:
    long_ago = NOW - timedelta(days=400)
    with open_pool(tables, schema="ingest", application="tests") as pool:
        with pool.connection() as connection:
            connection.execute(f"CREATE TABLE archive_{long_ago:%Y_%m} PARTITION OF archive FOR VALUES FROM"
                               f" ('{month_of(long_ago)}') TO ('{month_of(long_ago, 1)}')")  # fmt: skip
        for keep_months, kept in ((None, True), (14, True), (12, False)):
            ArchiveUpkeep(pool, keep_months=keep_months).once()
            names = {name for (name,) in rows(tables, "SELECT inhrelid::regclass::text FROM pg_inherits")}
            assert (f"archive_{long_ago:%Y_%m}" in names) is kept
        assert {f"archive_{NOW:%Y_%m}", f"archive_{month_of(NOW, 1):%Y_%m}"} <= names


def test_a_body_of_nobody_known_ends_after_thirty_days(tables: str) -> None:
    ages = {"old and nobody's": 31, "old and somebody's": 31, "new and nobody's": 29}
    times = {says: NOW - timedelta(days=days) for says, days in ages.items()}
    ids = {says: uuid4() for says in ages}
    with open_pool(tables, schema="ingest", application="tests") as pool:
        with pool.connection() as connection:
            ensure_months(connection, "archive", sorted({month_of(at) for at in times.values()}))
            for number, (says, at) in enumerate(times.items()):
                connection.execute(
                    "INSERT INTO archive VALUES (%s, %s, 0, %s, 'crm', %s, NULL, '[]', 'a body')",
                    (at, WebhookReceived.TOPIC, number, str(ids[says])),
                )
            connection.execute(
                "INSERT INTO webhook_receipts VALUES (%s, 'crm', now(), NULL), (%s, 'crm', now(), 'p-1')",
                (ids["old and nobody's"], ids["old and somebody's"]),
            )
        ArchiveUpkeep(pool, keep_months=None).once()
    left = {found for (found,) in rows(tables, "SELECT event_id FROM archive WHERE value = 'a body'")}
    assert left == {str(ids["old and somebody's"]), str(ids["new and nobody's"])}
