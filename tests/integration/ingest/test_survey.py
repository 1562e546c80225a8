"""The hosted survey from outside."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from runtime.clock import turn_forward
from schemas.profiles import ProfileChanged
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.responses import ResponseRecorded
from schemas.scales import Metric
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.ingest.surveys import FINAL_AFTER, step_taken
from services.ingest.visits import NEAR
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
    assert not event.provisional
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


def open_survey(ingest: Ingest, **changes: object) -> tuple[SurveyRequested, str]:
    request = ingest.ask(**changes)
    address = path(request.request_id)
    eventually(lambda: shows(ingest, address, 200))
    return request, address


def test_a_score_counts_for_good_once_the_page_is_finished_or_half_an_hour_has_passed(
    ingest: Ingest,
) -> None:
    (finished, first), (left, second) = open_survey(ingest), open_survey(ingest)
    for address in (first, second):
        posted = ingest.http.post(address, data={"score": "9", "part": "score"})
        assert (posted.status_code, posted.headers["location"]) == (303, address)
        assert "<textarea" in ingest.http.get(address).text
    ingest.http.post(first, data={"score": "9", "comment": "Fast", "further": "Peace"})
    eventually(lambda: len(answers(ingest, finished)) == 2)
    assert [(event.provisional, event.comment) for event in answers(ingest, finished)] == [
        (True, None),
        (False, "Fast"),
    ]
    assert [event.provisional for event in answers(ingest, left)] == [True]
    turn_forward(ingest.database, FINAL_AFTER)
    eventually(lambda: len(answers(ingest, left)) == 2)
    assert [event.provisional for event in answers(ingest, left)] == [True, False]
    assert len({event.responded_at for event in answers(ingest, left)}) == 1
    assert len(answers(ingest, finished)) == 2


def clicked(ingest: Ingest) -> set[UUID]:
    """Requests with a click of a person."""
    steps = ingest.events(SurveyStepOccurred)
    return {one.request_id for one in steps if one.step is SurveyStep.CLICKED}


def test_who_opens_a_mail_before_it_was_sent_is_no_person(ingest: Ingest) -> None:
    (early, first), (late, second) = open_survey(ingest), open_survey(ingest)
    for request, sent_at in ((early, datetime.now(UTC) + timedelta(hours=9)), (late, late.requested_at)):
        ingest.publish(step_taken(request, SurveyStep.SENT, sent_at - timedelta(seconds=9)))
    for address in (first, second):
        ingest.http.get(f"{address}?score=9")
    turn_forward(ingest.database, NEAR)
    eventually(lambda: late.request_id in clicked(ingest))
    assert early.request_id not in clicked(ingest)


def test_a_scanner_neither_clicks_nor_answers(ingest: Ingest) -> None:
    (scanned, address), (read, other) = open_survey(ingest), open_survey(ingest)
    for score in range(11):
        ingest.http.get(f"{address}?score={score}")
    ingest.http.get(f"{address}?unseen=1")
    ingest.http.post(address, data={"score": "10"})
    ingest.http.get(f"{other}?score=3")
    ingest.http.post(other, data={"score": "3"})
    eventually(lambda: len(answers(ingest, scanned)) == 1)
    assert answers(ingest, scanned)[0].provisional, "a vote in the midst of a scan alerts nobody"
    turn_forward(ingest.database, FINAL_AFTER)
    eventually(lambda: len(answers(ingest, scanned)) == 2)
    assert answers(ingest, scanned)[1].retraction_reason == "bot"
    eventually(lambda: read.request_id in clicked(ingest))
    assert scanned.request_id not in clicked(ingest)
    counted = re.search(
        r'feedback_survey_visits_total{visitor="opened_unseen_link"} (.+)', ingest.http.get("/metrics").text
    )
    assert counted
    assert float(counted[1]) >= 12
    ingest.http.post(address, data={"score": "8", "comment": "Now it is me"})
    eventually(lambda: len(answers(ingest, scanned)) == 3)
    assert (answers(ingest, scanned)[2].score, answers(ingest, scanned)[2].status) == (8, "answered")


def test_what_a_promoter_ticks_is_in_the_profile_before_the_answer_is_said_again(ingest: Ingest) -> None:
    request, address = open_survey(ingest, person_key="p-promoter", language="de")
    wishes = f"{address}/wishes"
    ingest.http.post(wishes, data={"wish": "swag"})
    ingest.http.post(address, data={"score": "10"})
    for ticks in (["reference", "contact", "kidney"], ["reference", "contact"], ["contact"]):
        posted = ingest.http.post(wishes, data={"wish": ticks})
        assert posted.headers["location"] == f"{address}?thanks=true&saved=true"
    eventually(lambda: len(answers(ingest, request)) == 3)
    first, second = (one for one in ingest.events(ProfileChanged) if one.person_key == "p-promoter")
    assert [(one.topic, one.wording) for one in first.consents] == [
        ("reference", "Ich würde jemandem, der sich noch entscheidet, von meinen Erfahrungen erzählen."),
        ("contact", "Sie dürfen mich zu meiner Antwort kontaktieren."),
    ]
    assert [one.topic for one in second.consents] == ["contact"]
    assert second.consents[0].given_at == first.consents[1].given_at
    assert {event.score for event in answers(ingest, request)} == {10}
    assert 'value="contact" checked' in ingest.http.get(f"{address}?thanks=true").text


def test_the_question_fits_whom_it_asks(ingest: Ingest) -> None:
    put = ingest.http.put("/v1/profiles/c-annual", json={"cohort": "annual"}).raise_for_status()
    _, address = open_survey(
        ingest, person_key=put.json()["person_key"], program="new_customer_nps", language="en"
    )
    page = ingest.http.get(f"{address}?score=3").text
    assert 'chosen">What would have to change before your renewal?<' in page
    assert "What did you hope to achieve with us?" in page


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
    assert "shorten your text" in page.text
