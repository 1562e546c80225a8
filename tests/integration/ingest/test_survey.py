"""The hosted survey from outside."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.responses import ResponseRecorded
from schemas.scales import Metric
from tests.integration.ingest.world import Ingest, eventually, path


def answers(ingest: Ingest, request: SurveyRequested) -> list[ResponseRecorded]:
    return [event for event in ingest.events(ResponseRecorded) if event.request_id == request.request_id]


def shows(ingest: Ingest, address: str, status: int) -> bool:
    return ingest.http.get(address).status_code == status


def test_an_answer_goes_into_the_stream(ingest: Ingest) -> None:
    request = ingest.ask(metric=Metric.CSAT)
    address = path(request.request_id)
    page = ingest.http.get(address)
    assert page.status_code == 200, "a person who is quicker than the topic waits a moment"
    assert request.question in page.text
    posted = ingest.http.post(address, data={"score": "2", "comment": "Slow"})
    assert (posted.status_code, posted.headers["location"]) == (303, f"{address}?thanks=true")
    assert "You chose 2." in ingest.http.get(posted.headers["location"]).text
    eventually(lambda: len(answers(ingest, request)) == 1)
    (event,) = answers(ingest, request)
    assert (event.source, event.score, event.comment) == ("survey", 2, "Slow")
    assert (event.person_key, event.program, event.channel) == ("p-1", "relationship", "email")


def test_looking_is_not_answering(ingest: Ingest) -> None:
    request = ingest.ask()
    address = path(request.request_id)
    for query in ("", "?score=9", "?thanks=true"):
        assert ingest.http.get(address + query).status_code == 200
        assert ingest.http.head(address + query).status_code == 200
    # The outbox is relayed in order: once the later answer is there, an earlier one would be, too.
    later = ingest.ask()
    eventually(lambda: shows(ingest, path(later.request_id), 200))
    ingest.http.post(path(later.request_id), data={"score": "9"})
    eventually(lambda: len(answers(ingest, later)) == 1)
    assert answers(ingest, request) == []


def test_an_answer_can_be_changed_and_repeated(ingest: Ingest) -> None:
    request = ingest.ask()
    address = path(request.request_id)
    eventually(lambda: shows(ingest, address, 200))
    for score in ("3", "3", "8"):
        assert ingest.http.post(address, data={"score": score, "comment": "It depends"}).status_code == 303
    eventually(lambda: len(answers(ingest, request)) == 2)
    first, second = answers(ingest, request)
    assert (first.score, second.score) == (3, 8)
    assert first.response_id == second.response_id
    assert first.order.key() < second.order.key()
    page = ingest.http.get(address).text
    assert 'value="8" required checked' in page
    assert ">It depends</textarea>" in page


def test_answers_at_the_same_moment_are_different_revisions(ingest: Ingest) -> None:
    request = ingest.ask()
    address = path(request.request_id)
    eventually(lambda: shows(ingest, address, 200))
    with ThreadPoolExecutor(8) as clicks:
        list(clicks.map(lambda score: ingest.http.post(address, data={"score": str(score)}), range(8)))
    eventually(lambda: len(answers(ingest, request)) == 8)
    revisions = [event.order.revision for event in answers(ingest, request)]
    assert len(set(revisions)) == 8
    assert revisions == sorted(revisions)


@pytest.mark.parametrize("score", ["", "11", "nine"])
def test_a_form_with_errors_comes_back_filled_in(ingest: Ingest, score: str) -> None:
    request = ingest.ask()
    address = path(request.request_id)
    eventually(lambda: shows(ingest, address, 200))
    page = ingest.http.post(address, data={"score": score, "comment": "Keep me"})
    assert page.status_code == 422
    assert "Please choose a number from 0 to 10." in page.text
    assert ">Keep me</textarea>" in page.text
    assert answers(ingest, request) == []


def test_links_that_lead_nowhere_are_explained(ingest: Ingest) -> None:
    now = datetime.now(UTC)
    closed = ingest.ask(closes_at=now - timedelta(seconds=1))
    eventually(lambda: shows(ingest, path(closed.request_id), 410))
    cancelled = ingest.ask()
    ingest.publish(
        SurveyRequestCancelled(
            request_id=cancelled.request_id,
            version=2,
            person_key=cancelled.person_key,
            program=cancelled.program,
            reason="opted out",
            cancelled_at=now,
        )
    )
    eventually(lambda: shows(ingest, path(cancelled.request_id), 410))
    # A cancelled request never reopens, whatever arrives late.
    ingest.publish(cancelled.model_copy(update={"version": 3}))
    genuine = path(cancelled.request_id)
    forged = genuine[:-1] + ("_" if genuine[-1] != "_" else "-")
    expired = path(uuid4(), valid_for=timedelta(seconds=-1))
    unknown = path(uuid4())
    for address, status, words in (
        (path(closed.request_id), 410, "survey is closed"),
        (path(cancelled.request_id), 410, "not needed any more"),
        (expired, 410, "survey is closed"),
        (forged, 404, "does not work"),
        ("/s/short", 404, "does not work"),
        (unknown, 503, "One moment"),
    ):
        for page in (ingest.http.get(address), ingest.http.post(address, data={"score": "9"})):
            assert (page.status_code, words in page.text) == (status, True), page.text
    assert answers(ingest, closed) == answers(ingest, cancelled) == []


def test_a_huge_form_is_refused_kindly(ingest: Ingest) -> None:
    request = ingest.ask()
    address = path(request.request_id)
    eventually(lambda: shows(ingest, address, 200))
    page = ingest.http.post(address, data={"score": "9", "comment": "x" * 200_000})
    assert page.status_code == 413
    assert "shorten your comment" in page.text
