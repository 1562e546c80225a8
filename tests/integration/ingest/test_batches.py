"""Many records in one call: what is good is on Kafka, what is not is told one by one."""

from typing import Any

import pytest

from schemas.lifecycle import LifecycleEventOccurred
from schemas.responses import ResponseRecorded
from tests.integration.ingest.world import SOURCE, Ingest

GOOD: dict[str, Any] = {"metric": "nps", "score": 3, "comment": "Exports fail."}


def test_what_is_good_is_taken_and_what_is_not_is_told(ingest: Ingest) -> None:
    items = [
        GOOD | {"source_id": "b-1", "respondent": {"email": "dana@customer.example"}},
        GOOD | {"source_id": "b-2", "score": 11},
        GOOD,
        GOOD | {"source_id": "b-3"},
    ]
    answer = ingest.http.post("/v1/responses/batch", json=items)
    assert answer.status_code == 207
    told = answer.json()
    assert (told["accepted"], told["refused"]) == (2, 2)
    assert [one["status"] for one in told["results"]] == [202, 422, 422, 202]
    assert [one["errors"][0]["field"] for one in told["results"][1:3]] == ["/score", "/source_id"]
    taken = {str(event.response_id): event for event in ingest.events(ResponseRecorded)}
    assert [taken[told["results"][place]["response_id"]].source_id for place in (0, 3)] == ["b-1", "b-3"]
    assert not {event.source_id for event in taken.values()} & {"b-2"}

    again = ingest.http.post("/v1/responses/batch", json=items[:1]).json()
    assert again["results"][0] == told["results"][0]
    alone = ingest.http.post("/v1/responses", json=items[3]).json()
    assert alone["response_id"] == told["results"][3]["response_id"]


@pytest.mark.parametrize("time", [{}, {"responded_at": "2026-01-02T00:00:00Z"}])
def test_of_two_with_one_id_and_one_time_the_later_counts(ingest: Ingest, time: dict[str, str]) -> None:
    items = [GOOD | time | {"source_id": f"twice-{len(time)}", "score": score} for score in (3, 9, 6)]
    told = ingest.http.post("/v1/responses/batch", json=items).json()
    [identifier] = {one["response_id"] for one in told["results"]}
    revisions = [one for one in ingest.events(ResponseRecorded) if str(one.response_id) == identifier]
    assert len({one.order for one in revisions}) == len(items)
    assert max(revisions, key=lambda one: one.order.key()).score == 6


def test_a_thousand_lifecycle_events_are_one_call(ingest: Ingest) -> None:
    events = [
        {"source_id": f"batch-{number}", "moment": "purchased", "customer_id": f"c-{number % 7}"}
        for number in range(1_000)
    ]
    told = ingest.http.post("/v1/lifecycle-events/batch", json=events).json()
    assert (told["accepted"], told["refused"]) == (1_000, 0)
    ids = {str(event.lifecycle_id) for event in ingest.events(LifecycleEventOccurred)}
    assert {one["lifecycle_id"] for one in told["results"]} <= ids
    metrics = ingest.http.get("/metrics").text
    assert f'events_accepted_total{{moment="purchased",source="{SOURCE}"}} 1000.0' in metrics


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 422),
        (b"[]", 422),
        (b"[" + b",".join([b"{}"] * 1_001) + b"]", 422),
        (b"[{", 400),
        (b"[" + b" " * 9_000_000, 413),
    ],
)
def test_a_body_that_is_no_batch_is_refused_as_a_whole(ingest: Ingest, body: bytes, status: int) -> None:
    answer = ingest.http.post("/v1/responses/batch", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["errors"][0]["field"] == ""
