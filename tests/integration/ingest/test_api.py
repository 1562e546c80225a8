"""The API from outside: what is accepted is on Kafka, what is refused leaves nothing behind."""

import json
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from runtime.cloudevents import traceparent_of
from schemas.accounts import AccountChanged
from schemas.lifecycle import LifecycleEventOccurred, Moment
from schemas.profiles import ProfileChanged
from schemas.responses import ResponseRecorded
from tests.integration.ingest.world import SOURCE, Ingest

GOOD: dict[str, Any] = {"metric": "nps", "score": 3, "comment": "Exports fail."}
PROBLEM = "application/problem+json"


def send(ingest: Ingest, body: dict[str, Any], **headers: str) -> httpx2.Response:
    return ingest.http.post("/v1/responses", json=body, headers=headers)


def of(ingest: Ingest, source_id: str) -> list[ResponseRecorded]:
    return [event for event in ingest.events(ResponseRecorded) if event.source_id == source_id]


def test_an_accepted_answer_is_on_the_topic_when_the_caller_knows(ingest: Ingest) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = send(
        ingest,
        GOOD | {"source_id": "a-1", "respondent": {"email": "dana@customer.example"}},
        traceparent=trace,
    )
    assert answer.status_code == 202
    (record,) = [
        found for found in ingest.records(ResponseRecorded.TOPIC) if b'"a-1"' in (found.value or b"")
    ]
    (event,) = of(ingest, "a-1")
    assert answer.json() == {"response_id": str(event.response_id)}
    assert (event.source, event.score, event.comment) == (SOURCE, 3, "Exports fail.")
    assert record.key == event.person_key.encode()
    assert (traceparent_of(record.headers) or "").startswith(trace[:36])
    assert b"dana" not in b"".join(value for _, value in record.headers)


def test_a_repeated_call_is_the_same_response(ingest: Ingest) -> None:
    first = send(ingest, GOOD, **{"Idempotency-Key": "k-1"})
    again = send(ingest, GOOD | {"score": 9}, **{"Idempotency-Key": "k-1"})
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    orders = [event.order.key() for event in of(ingest, "k-1")]
    assert len(orders) == 2
    assert max(orders) == orders[-1]


def test_a_lifecycle_event_is_accepted(ingest: Ingest) -> None:
    body = {"source_id": "o-1", "moment": "purchased", "customer_id": "c-1", "context": {"plan": "team"}}
    answer = ingest.http.post("/v1/lifecycle-events", json=body)
    assert answer.status_code == 202
    (event,) = [one for one in ingest.events(LifecycleEventOccurred) if one.source_id == "o-1"]
    assert answer.json() == {"lifecycle_id": str(event.lifecycle_id)}
    assert (event.moment, event.context) == (Moment.PURCHASED, {"plan": "team"})


def test_a_profile_is_relayed_and_versioned(ingest: Ingest) -> None:
    customer = f"c-{uuid4()}"
    for version, name in ((1, "Dana"), (1, "Dana"), (2, "Dana Whitfield")):
        answer = ingest.http.put(
            f"/v1/profiles/{customer}", json={"name": name, "email": "d@customer.example"}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["version"] == version
        known = [one for one in ingest.events(ProfileChanged) if one.customer_id == customer]
        assert (known[-1].version, known[-1].name) == (version, name)
    assert [one.version for one in known] == [1, 2]


def test_a_profile_and_an_answer_are_of_one_person(ingest: Ingest) -> None:
    profile = ingest.http.put("/v1/profiles/c-7", json={"name": "Dana"}).json()
    send(ingest, GOOD | {"source_id": "a-7", "respondent": {"customer_id": "c-7"}})
    (event,) = of(ingest, "a-7")
    assert event.person_key == profile["person_key"]


def test_an_account_may_have_any_id(ingest: Ingest) -> None:
    answer = ingest.http.put("/v1/accounts/eu%2F77%20a", json={"name": "Whitfield Logistics", "arr": 48000})
    assert answer.status_code == 200
    (event,) = [one for one in ingest.events(AccountChanged) if one.account_id == "eu/77 a"]
    assert (event.name, event.arr, event.version) == ("Whitfield Logistics", 48000, 1)


REFUSED: list[tuple[str, bytes, int, str]] = [
    ("unknown field", b'{"metric":"nps","score":3,"scor":3}', 422, "/scor"),
    ("wrong scale", b'{"metric":"csat","score":6}', 422, "/score"),
    ("text score", b'{"metric":"nps","score":"3"}', 422, "/score"),
    ("bool score", b'{"metric":"nps","score":true}', 422, "/score"),
    ("future", b'{"metric":"nps","score":3,"responded_at":"2099-01-01T00:00:00Z"}', 422, "/responded_at"),
    ("naive", b'{"metric":"nps","score":3,"responded_at":"2026-01-01T00:00:00"}', 422, "/responded_at"),
    ("empty", b"", 400, ""),
    ("not JSON", b'{"metric":', 400, ""),
    ("5 MB", b"[" + b" " * 5_000_000, 413, ""),
]


@pytest.mark.parametrize(
    ("body", "status", "field"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_a_refusal_names_the_field_and_leaves_nothing(
    ingest: Ingest, body: bytes, status: int, field: str
) -> None:
    before = len(ingest.records(ResponseRecorded.TOPIC))
    answer = ingest.http.post("/v1/responses", content=body, headers={"Idempotency-Key": "refused"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    document = answer.json()
    assert document["status"] == status
    assert [error["field"] for error in document["errors"]] == [field]
    assert all(error["expected"] for error in document["errors"])
    assert len(ingest.records(ResponseRecorded.TOPIC)) == before


def test_a_body_in_pieces_is_bounded_too(ingest: Ingest) -> None:
    pieces = (b" " * 100_000 for _ in range(50))
    answer = ingest.http.post("/v1/responses", content=pieces)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


def test_a_record_needs_an_id(ingest: Ingest) -> None:
    answer = send(ingest, GOOD)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "/source_id"
    assert "Idempotency-Key" in answer.json()["errors"][0]["expected"]
    assert send(ingest, GOOD, **{"Idempotency-Key": "x" * 257}).status_code == 422


@pytest.mark.parametrize("authorization", ["", "Bearer fr_of_somebody_else", "Basic eDp5"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/responses"),
        ("POST", "/v1/lifecycle-events"),
        ("POST", "/v1/responses/batch"),
        ("POST", "/v1/lifecycle-events/batch"),
        ("PUT", "/v1/profiles/c-1"),
        ("PUT", "/v1/accounts/a-1"),
    ],
)
def test_a_caller_without_a_key_is_told_so(
    ingest: Ingest, method: str, path: str, authorization: str
) -> None:
    answer = ingest.http.request(method, path, json={}, headers={"Authorization": authorization})
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Bearer fr_" in answer.json()["detail"]


def test_unknown_addresses_are_problems_too(ingest: Ingest) -> None:
    for answer in (ingest.http.get("/v1/nothing"), ingest.http.get("/v1/responses")):
        assert answer.headers["content-type"] == PROBLEM


def test_the_openapi_document_shows_bodies_that_work(ingest: Ingest) -> None:
    document = ingest.http.get("/openapi.json").json()
    shown = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            media = operation["requestBody"]["content"]["application/json"]
            if "schema" not in media:
                continue  # the body is somebody else's
            shown += 1
            name = media["schema"].get("items", media["schema"])["$ref"].rsplit("/", 1)[1]
            assert document["components"]["schemas"][name]["additionalProperties"] is False
            address = path.replace("{customer_id}", "c-1").replace("{account_id}", "a-77")
            answer = ingest.http.request(method, address, json=media["example"])
            assert answer.is_success, answer.text
            assert str(answer.status_code) in operation["responses"]
    assert shown == 8


def test_what_was_accepted_is_counted(ingest: Ingest) -> None:
    send(ingest, GOOD | {"metric": "ces", "score": 7, "source_id": "counted"})
    metrics = ingest.http.get("/metrics").text
    assert f'feedback_responses_accepted_total{{metric="ces",source="{SOURCE}"}} 1.0' in metrics


def test_personal_data_stays_out_of_logs_and_metrics(ingest: Ingest) -> None:
    person = {"email": "canary@customer.example", "name": "Canary Person"}
    send(ingest, GOOD | {"source_id": "canary", "respondent": person, "comment": "Canary comment"})
    send(ingest, {"metric": "canary@customer.example", "comment": "Canary comment"})
    ingest.http.put("/v1/profiles/canary", json=person)
    told = (ingest.log.read_text() + ingest.http.get("/metrics").text).lower()
    assert "service started" in told
    assert "canary" not in told
    assert json.dumps(person) not in told
