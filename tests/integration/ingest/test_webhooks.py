"""Webhooks through the running service: proved, kept, mapped, fetched; each answer once."""

import json
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import httpx2
import pytest
from typer.testing import CliRunner

from cli.app import app
from runtime.messages import header
from runtime.postgres import Pool, open_pool
from schemas.event import Effects
from schemas.profiles import ProfileChanged
from schemas.raw import WebhookReceived
from schemas.responses import ResponseRecorded, ResponseStatus
from tests.contract.vendors.samples import OTHER_SECRET, SAMPLES, SECRET, Body, with_value
from tests.integration.ingest.archiver import Archiver
from tests.integration.ingest.world import START_SECONDS, Ingest, eventually


class VendorApi(BaseHTTPRequestHandler):
    """SurveyMonkey's API: it fails once, then has the answer."""

    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("authorization"))
        body = json.dumps(SAMPLES["surveymonkey"].fetched).encode()
        self.send_response(503 if len(self.asked) == 1 else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def vendor_api() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), VendorApi) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v3"
        server.shutdown()


@pytest.fixture(scope="module")
def config(vendor_api: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every vendor as a source of its own name, and one whose secret is missing."""
    folder = tmp_path_factory.mktemp("config")
    sources: dict[str, Any] = {
        name: {"vendor": name, "secrets": ["webhook_secret", "webhook_secret_before"], "metric": "nps"}
        | dict(sample.settings)
        for name, sample in SAMPLES.items()
    }
    sources["surveymonkey"]["api_url"] = vendor_api
    sources["forgotten"] = {"vendor": "delighted", "secrets": ["never_written"]}
    (folder / "sources.yaml").write_text(json.dumps({"sources": sources}))
    (folder / "webhook_secret").write_text(SECRET + "\n")
    (folder / "webhook_secret_before").write_text(OTHER_SECRET)
    (folder / "a_token").write_text("lets us in")
    return folder


def send(ingest: Ingest, name: str, body: Body = None, secret: str = SECRET) -> httpx2.Response:
    call = SAMPLES[name].call(body, secret=secret)
    return ingest.http.post(f"/v1/webhooks/{name}", content=call.body, headers=dict(call.headers))


def responses(ingest: Ingest, source: str) -> list[ResponseRecorded]:
    return [event for event in ingest.events(ResponseRecorded) if event.source == source]


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "surveymonkey"])
def test_a_vendors_answer_becomes_a_response_once(ingest: Ingest, name: str) -> None:
    for secret in (SECRET, OTHER_SECRET, SECRET):
        answer = send(ingest, name, secret=secret)
        assert answer.status_code == 200, answer.text
    eventually(lambda: len(responses(ingest, name)) > 0)
    assert send(ingest, name, SAMPLES[name].changed).status_code == 200
    if name != "pendo":  # it never changes an answer: the same id is the same call
        eventually(lambda: responses(ingest, name)[-1].score in {2, None})
    assert len(responses(ingest, name)) == (1 if name == "pendo" else 2)
    assert len({event.response_id for event in responses(ingest, name)}) == 1


def test_a_thin_call_is_answered_at_once_and_fetched_afterwards(ingest: Ingest) -> None:
    assert send(ingest, "surveymonkey").status_code == 200
    eventually(lambda: len(responses(ingest, "surveymonkey")) == 1)
    assert VendorApi.asked == ["Bearer lets us in"] * 2
    deleted = {
        **SAMPLES["surveymonkey"].body,
        "event_id": "gone",
        "event_type": "response_deleted",
        "event_datetime": "2026-11-21T00:00:00+00:00",
    }
    assert send(ingest, "surveymonkey", deleted).status_code == 200
    eventually(lambda: len(responses(ingest, "surveymonkey")) == 2)
    given, withdrawn = responses(ingest, "surveymonkey")
    assert withdrawn.status is ResponseStatus.RETRACTED
    assert (withdrawn.person_key, withdrawn.score) == (given.person_key, given.score)


def test_what_no_secret_proves_leaves_nothing_behind(ingest: Ingest) -> None:
    before = len(ingest.records(WebhookReceived.TOPIC))
    refused = send(ingest, "delighted", secret="another")  # noqa: S106 - a wrong one
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert send(ingest, "asknicely", secret="another").status_code == 401  # noqa: S106 - a wrong one
    assert ingest.http.post("/v1/webhooks/pigeon", content=b"{}").status_code == 404
    assert ingest.http.post("/v1/webhooks/forgotten", content=b"{}").status_code == 503
    assert ingest.http.post("/v1/webhooks/delighted", content=b" " * 600_000).status_code == 413
    assert len(ingest.records(WebhookReceived.TOPIC)) == before


def test_a_token_may_stand_in_the_address_and_is_not_kept(ingest: Ingest) -> None:
    body = with_value(SAMPLES["asknicely"].body, ("question", "id"), "by-address")
    answer = ingest.http.post("/v1/webhooks/asknicely", params={"token": SECRET}, json=body)
    assert answer.status_code == 200
    assert ingest.http.head("/v1/webhooks/surveymonkey").status_code == 200
    assert ingest.http.head("/v1/webhooks/pigeon").status_code == 404
    assert all(SECRET.encode() not in (one.value or b"") for one in ingest.records(WebhookReceived.TOPIC))


def test_what_cannot_be_read_is_a_dead_letter_that_quotes_nothing(ingest: Ingest) -> None:
    body = with_value(SAMPLES["delighted"].body, ("event_data", "updated_at"), "dana@customer.example")
    body = with_value(body, ("event_data", "created_at"), None)
    assert send(ingest, "delighted", with_value(body, ("event_id",), "odd")).status_code == 200
    topic = f"{WebhookReceived.TOPIC}.dlq"
    eventually(lambda: len(ingest.records(topic)) == 1)
    (letter,) = ingest.records(topic)
    assert header(letter.headers, "dlq_detail") == b"expected event_data.updated_at"
    assert b"dana" not in b"".join(value for _, value in letter.headers)


def test_whoever_unsubscribed_there_is_not_asked_here(ingest: Ingest) -> None:
    body = {
        "event_type": "unsubscribe.created",
        "event_id": "enough",
        "event_data": {"person": {"email": "tired@customer.example"}},
    }
    assert send(ingest, "delighted", body).status_code == 200
    eventually(lambda: any(one.opted_out_of("any") for one in ingest.events(ProfileChanged)))


def test_a_corrected_mapping_reads_the_past_again(
    ingest: Ingest, config: Path, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of this module: it replaces the running service by one with another sources.yaml."""
    body = with_value(SAMPLES["delighted"].body, ("event_id",), "misread")
    body = with_value(body, ("event_data", "id"), "misread")
    assert send(ingest, "delighted", body).status_code == 200

    def scores(service: Ingest) -> list[tuple[int | None, Effects]]:
        found = [event for event in responses(service, "delighted") if event.source_id == "misread"]
        return [(event.score, event.effects) for event in found]

    eventually(lambda: scores(ingest) == [(9, Effects.DELIVER)])
    with (
        Archiver(ingest.bootstrap, database, tmp_path),
        open_pool(database, schema="ingest", application="tests") as pool,
    ):
        eventually(lambda: _archived(pool, "delighted") > 0, seconds=START_SECONDS)
    ingest.close()
    sources = json.loads((config / "sources.yaml").read_text())
    sources["sources"]["delighted"] |= {"scores": {9: 7, 2: 0}, "version": 2}
    (config / "sources.yaml").write_text(json.dumps(sources))
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", ingest.bootstrap)
    with closing(Ingest(ingest.bootstrap, database, tmp_path, config)) as corrected:
        for _ in range(2):
            told = CliRunner().invoke(
                app, ["ingest", "replay", "--since", "1h", "--source", "delighted"], catch_exceptions=False
            )
            assert told.exit_code == 0, told.output
        eventually(lambda: len(scores(corrected)) > 1)
        assert scores(corrected) == [(9, Effects.DELIVER), (7, Effects.RECORD)]


def _archived(pool: Pool, source: str) -> int:
    with pool.connection() as connection:
        rows = connection.execute(
            "SELECT value FROM archive WHERE topic = 'ingest.raw.v1' AND key = %s", (source.encode(),)
        ).fetchall()
    return sum(b"misread" in WebhookReceived.model_validate_json(value).body for (value,) in rows)
