"""One person: everything that is kept of them, its end, and that it does not come back."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.postgres import conninfo
from schemas.erasures import ErasureDone, ErasureRequested
from schemas.profiles import ProfileChanged
from schemas.responses import ResponseRecorded
from schemas.topics import TOPICS
from services.ingest import archive
from services.ingest.identity import customer_key, email_key
from tests.integration.ingest.world import PERSON_KEY_SECRET, Ingest, eventually

SECRET = PERSON_KEY_SECRET.encode()
EMAIL, NAME, COMMENT = "canary@customer.example", "Canary Person", "Canary comment"


@pytest.fixture(autouse=True)
def _installation(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("PERSON_KEY_SECRET", PERSON_KEY_SECRET)
    # The router and the scheduler do not run here.
    monkeypatch.setattr("cli.person_commands._READERS", frozenset({"ingest"}))


def feedback(*command: str) -> Result:
    return CliRunner().invoke(app, ["person", *command])


@contextmanager
def connected(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(conninfo(database, schema="ingest", application="tests")) as connection:
        yield connection


def meet(ingest: Ingest, customer: str, email: str) -> None:
    """A profile, an answer by customer id and one by address alone."""
    profile = {"email": email, "name": NAME}
    assert ingest.http.put(f"/v1/profiles/{customer}", json=profile).is_success
    for who in ({"customer_id": customer}, {"email": email, "name": NAME}):
        body = {
            "source_id": f"{customer}-{next(iter(who))}",
            "metric": "nps",
            "score": 2,
            "comment": COMMENT,
            "respondent": who,
            "responded_at": "2026-01-02T00:00:00Z",
        }
        assert ingest.http.post("/v1/responses", json=body).status_code == 202


def archived(ingest: Ingest, database: str) -> list[Record]:
    """Archives what is on the topics of answers and profiles, as the archiver does; what was kept."""
    found = [one for model in (ResponseRecorded, ProfileChanged) for one in ingest.records(model.TOPIC)]
    with connected(database) as connection:
        archive.keep(connection, [Delivered(record, record) for record in found])
    return found


def kept(database: str, *keys: str) -> int:
    with connected(database) as connection:
        [(count,)] = connection.execute(
            "SELECT count(*) FROM archive WHERE key = ANY(%s) AND value IS NOT NULL",
            ([key.encode() for key in keys],),
        ).fetchall()
    return int(count)


def run_out_days(receipt: str) -> dict[str, int]:
    """After how many days a receipt says that some of the topics, and their dead letters, are empty."""
    asked = re.search(r"Asked for (\S+)", receipt)
    assert asked is not None
    days = re.findall(r"(\S+\.v1(?:\.dlq)?) +(\d{4}-\d\d-\d\d)", receipt)
    assert {name for name, _ in days} >= {f"{topic.name}.dlq" for topic in TOPICS} - {
        "customer.accounts.v1.dlq"
    }
    return {
        name: (date.fromisoformat(day) - date.fromisoformat(asked[1])).days
        for name, day in days
        if name.removesuffix(".dlq") in {ResponseRecorded.TOPIC, ProfileChanged.TOPIC, "router.replay.v1"}
    }


def test_what_is_kept_of_a_person_can_be_had(ingest: Ingest, database: str) -> None:
    meet(ingest, "c-export", "export@customer.example")
    archived(ingest, database)
    told = feedback("export", "--email", "Export@customer.example")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert set(found["keys"]) == {
        customer_key(SECRET, "c-export"),
        email_key(SECRET, "export@customer.example"),
    }
    assert found["profile"]["name"] == NAME, "asked for by another key, it is the same person's"
    answers = [one["event"] for one in found["events"] if one["topic"] == ResponseRecorded.TOPIC]
    assert [one["comment"] for one in answers] == [COMMENT, COMMENT]


def test_a_person_is_forgotten_and_does_not_come_back(ingest: Ingest, database: str) -> None:
    keys = (customer_key(SECRET, "c-gone"), email_key(SECRET, EMAIL))
    meet(ingest, "c-gone", EMAIL)
    meet(ingest, "c-stays", "stays@customer.example")
    before = archived(ingest, database)
    assert kept(database, *keys) >= 4

    told = feedback("erase", "--customer-id", "c-gone", "--yes")
    assert told.exit_code == 0, told.output
    assert "archived_events" in told.stdout
    assert run_out_days(told.stdout) == {
        "customer.profiles.v1": 9,
        "customer.profiles.v1.dlq": 30,
        "feedback.responses.v1": 30,
        "feedback.responses.v1.dlq": 30,
        "router.replay.v1": 9,
        "router.replay.v1.dlq": 30,
    }
    assert kept(database, *keys) == 0
    assert kept(database, customer_key(SECRET, "c-stays")) > 0
    assert {
        key
        for key in keys
        if key.encode() in {one.key for one in ingest.records(ProfileChanged.TOPIC) if one.value is None}
    } == set(keys)
    [done] = [one for one in ingest.events_of(ErasureDone) if one.person_key == keys[0]]
    assert (done.service, done.removed["profiles"]) == ("ingest", 2)

    # A consumer that comes late, or reads it all again.
    with connected(database) as connection:
        archive.keep(connection, [Delivered(record, record) for record in before])
    assert kept(database, *keys) == 0

    # An import, by either identifier.
    again = ingest.http.put("/v1/profiles/c-new", json={"email": EMAIL})
    assert again.status_code == 422
    batch = ingest.http.post(
        "/v1/profiles/batch", json=[{"customer_id": "c-gone"}, {"customer_id": "c-other"}]
    )
    assert [one["status"] for one in batch.json()["results"]] == [422, 200]
    old = {"metric": "nps", "score": 2, "source_id": "old", "respondent": {"email": EMAIL}}
    eventually(
        lambda: (
            ingest.http.post("/v1/responses", json=old | {"responded_at": "2026-01-02T00:00:00Z"}).status_code
            == 422
        )
    )
    # What they say themselves afterwards is theirs to say.
    assert ingest.http.post("/v1/responses", json=old | {"source_id": "new"}).status_code == 202


def test_a_restored_backup_forgets_again(
    ingest: Ingest, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", ingest.bootstrap)
    meet(ingest, "c-backup", "backup@customer.example")
    key = customer_key(SECRET, "c-backup")
    records = archived(ingest, database)
    erasure_id = re.search(r"[0-9a-f-]{36}", feedback("erase", "--key", key, "--yes").stdout)
    assert erasure_id is not None
    with connected(database) as connection:
        # As if the backup were older than the erasure.
        connection.execute("DELETE FROM erased")
        connection.execute("DELETE FROM erasures")
        archive.keep(connection, [Delivered(record, record) for record in records])
    assert kept(database, key) > 0
    assert feedback("reapply").exit_code == 0
    eventually(lambda: kept(database, key) == 0)
    asked = [one.erasure_id for one in ingest.events_of(ErasureRequested) if one.person_key == key]
    assert [str(one) for one in asked] == [erasure_id[0]] * 2
    assert feedback("receipt", erasure_id[0]).exit_code == 0
    assert ingest.http.put("/v1/profiles/c-backup", json={"name": NAME}).status_code == 422


def test_without_kafka_no_erasure_is_taken_for_reapplied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    monkeypatch.setattr("cli.topic_reading.BLOCK_SECONDS", 0.2)
    told = feedback("reapply")
    assert told.exit_code == 1
    assert "Kafka does not answer" in told.output


def test_a_person_needs_to_be_named(ingest: Ingest) -> None:
    assert ingest.is_ready()
    assert feedback("erase", "--yes").exit_code == 2
    assert feedback("export", "--key", "x", "--email", "x@y.example").exit_code == 2
    assert feedback("receipt", "00000000-0000-0000-0000-000000000000").exit_code == 1


def test_whoever_misspells_a_person_is_told(ingest: Ingest) -> None:
    meet(ingest, "c-met", "met@customer.example")
    for nobody in ("--email", "mat@customer.example"), ("--customer-id", "c-mat"):
        assert "Nothing is kept under this" in feedback("export", *nobody).stderr
        told = feedback("erase", *nobody)
        assert told.exit_code == 1
        assert "No profile is kept under this" in told.stderr
    assert "No profile" not in feedback("erase", "--email", "met@customer.example").stderr


def test_nothing_personal_is_in_logs_metrics_headers_or_refusals(ingest: Ingest) -> None:
    person = {"email": EMAIL, "name": NAME}
    answer = {"metric": "nps", "score": 99, "comment": COMMENT, "respondent": person}
    refused = [
        ingest.http.post("/v1/responses", json=answer),
        ingest.http.put("/v1/profiles/c-canary", json={**person, "language": COMMENT}),
        ingest.http.post("/v1/profiles/batch", json=[{**person, "customer_id": "c-gone", "stage": 1}]),
    ]
    headers = b"".join(
        value
        for topic in (ResponseRecorded.TOPIC, ProfileChanged.TOPIC, ErasureRequested.TOPIC)
        for record in ingest.records(topic)
        for _, value in record.headers
    )
    told = ingest.log.read_text() + ingest.http.get("/metrics").text + headers.decode()
    told += "".join(one.text for one in refused)
    assert "service started" in told
    assert not re.search("canary.?(person|comment|@)", told, re.IGNORECASE)
