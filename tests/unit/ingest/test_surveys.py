from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from schemas.requests import SurveyRequested
from schemas.responses import FurtherAnswer, response_id
from schemas.scales import Metric
from services.ingest.surveys import (
    COMMENT_LIMIT,
    Answer,
    Form,
    Mistake,
    Standing,
    SurveyState,
    answered,
    blank_form,
    finished_by_time,
    read_form,
    read_score,
    said_again,
    standing,
    survey_response,
    taken_back,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOW_MS = 1_795_348_800_000
REQUEST = SurveyRequested(
    request_id=UUID("6a1f3a1e-0000-4000-8000-000000000001"),
    version=1,
    person_key="p-1",
    account_id="a-77",
    program="relationship",
    metric=Metric.NPS,
    channel="email",
    question="How likely are you to recommend us?",
    follow_up_question="Why?",
    why_we_ask="You have been with us for 30 days.",
    requested_at=NOW - timedelta(days=1),
    expires_at=NOW + timedelta(days=6),
    closes_at=NOW + timedelta(days=13),
    context={"case": "5"},
)
STATE = SurveyState(request_id=REQUEST.request_id, request=REQUEST, cancelled=False, answer=None)
FORM = Form(score=9, comment="Great")


@pytest.mark.parametrize(
    ("state", "at", "expected"),
    [
        (None, NOW, Standing.UNKNOWN),
        (replace(STATE, request=None), NOW, Standing.UNKNOWN),
        (STATE, NOW, Standing.OPEN),
        (STATE, REQUEST.closes_at - timedelta(seconds=1), Standing.OPEN),
        (STATE, REQUEST.closes_at, Standing.CLOSED),
        (replace(STATE, cancelled=True), NOW, Standing.CANCELLED),
        (replace(STATE, cancelled=True, request=None), NOW, Standing.CANCELLED),
    ],
)
def test_standing(state: SurveyState | None, at: datetime, expected: Standing) -> None:
    assert standing(state, at) is expected


@pytest.mark.parametrize(("metric", "lowest", "highest"), [(Metric.NPS, 0, 10), (Metric.CSAT, 1, 5)])
def test_a_form_takes_the_metric_s_scores(metric: Metric, lowest: int, highest: int) -> None:
    for score in (lowest, highest):
        form = read_form(metric, {"score": str(score)})
        assert (form.score, form.mistakes) == (score, {})
    form = read_form(metric, {"score": str(highest + 1), "comment": "kept"})
    assert (form.score, form.comment) == (None, "kept")
    assert form.mistakes == {"score": Mistake.NO_SCORE}


@pytest.mark.parametrize("given", ["", "nine", "9.0", "-1", "+9", "٩", "²", "9" * 5_000])
def test_a_form_without_a_readable_score_says_what_to_do(given: str) -> None:
    assert read_form(Metric.NPS, {"score": given}).mistakes.keys() == {"score"}


def test_a_comment_is_tidied_and_bounded() -> None:
    assert read_form(Metric.NPS, {"score": "9", "comment": " a\r\nb\x00 "}).comment == "a\nb"
    too_long = read_form(Metric.NPS, {"score": "9", "comment": "x" * (COMMENT_LIMIT + 1)})
    assert too_long.mistakes.keys() == {"comment"}
    assert len(too_long.comment) == COMMENT_LIMIT + 1


def test_the_first_answer() -> None:
    assert answered(None, FORM, NOW) == Answer(9, "Great", NOW_MS, NOW, NOW)


def test_a_change_is_a_later_revision_whatever_the_clock_says() -> None:
    first = Answer(3, "", NOW_MS + 5_000, NOW, NOW)
    later = answered(first, FORM, NOW)
    assert later is not None
    assert (later.revision, later.first_answered_at) == (NOW_MS + 5_001, NOW)


def test_the_same_answer_again_is_no_revision() -> None:
    assert answered(Answer(9, "Great", 1, NOW, NOW), FORM, NOW) is None


def test_a_form_with_mistakes_is_no_answer() -> None:
    with pytest.raises(ValueError, match="no answer"):
        answered(None, Form(9, mistakes={"comment": Mistake.TOO_LONG}), NOW)


SCORE_ALONE = Form(score=9, finished=False)
FURTHER = FurtherAnswer(question="And then?", answer="More")


def test_a_score_without_the_rest_is_provisional_until_the_rest_comes() -> None:
    first = answered(None, SCORE_ALONE, NOW)
    assert first
    assert first.provisional
    assert survey_response(REQUEST, first).provisional
    for finished in (FORM, Form(score=9)):
        final = answered(first, finished, NOW)
        assert final
        assert not final.provisional
        assert final.revision > first.revision


def test_a_score_sent_alone_leaves_the_rest_of_an_answer_as_it_was() -> None:
    said = Answer(3, "Slow", 1, NOW, NOW, further=FURTHER)
    later = answered(said, SCORE_ALONE, NOW)
    assert later
    assert (later.score, later.comment, later.further, later.provisional) == (9, "Slow", FURTHER, False)


def test_a_page_left_unfinished_makes_the_score_final_as_it_was_given() -> None:
    first = answered(None, SCORE_ALONE, NOW)
    assert first
    final = finished_by_time(first, NOW + timedelta(hours=1))
    assert (final.provisional, final.score, final.answered_at) == (False, 9, NOW)
    assert final.revision > first.revision


def test_a_doubtful_answer_waits_unless_somebody_wrote_it() -> None:
    silent, worded = (answered(None, form, NOW, doubtful=True) for form in (Form(score=9), FORM))
    assert silent
    assert worded
    assert (silent.provisional, worded.provisional) == (True, False)


def test_a_scanner_s_answer_is_taken_back_and_a_person_can_still_give_theirs() -> None:
    first = answered(None, SCORE_ALONE, NOW)
    assert first
    gone = taken_back(first, NOW + timedelta(hours=1))
    event = survey_response(REQUEST, gone)
    assert (event.status, event.retraction_reason, event.provisional) == ("retracted", "bot", False)
    assert event.order.key() > survey_response(REQUEST, first).order.key()
    assert blank_form(gone).score is None
    theirs = answered(gone, SCORE_ALONE, NOW + timedelta(hours=1))
    assert theirs
    assert (theirs.provisional, theirs.retracted) == (True, False)
    assert theirs.revision > gone.revision


def test_an_answer_said_again_is_a_later_revision_whatever_the_clock_says() -> None:
    said = Answer(3, "", NOW_MS + 5_000, NOW, NOW)
    assert said_again(said, NOW) == replace(said, revision=NOW_MS + 5_001)


def test_the_second_question_is_kept_with_its_answer() -> None:
    answer = answered(None, replace(FORM, further="More"), NOW, further_question="And then?")
    assert answer
    assert survey_response(REQUEST, answer).further_answers == (FURTHER,)
    assert blank_form(answer).further == "More"
    unasked = answered(None, replace(FORM, further="More"), NOW)
    assert unasked
    assert unasked.further is None


def test_the_form_shows_the_earlier_answer() -> None:
    assert blank_form(Answer(9, "Great", 1, NOW, NOW)) == FORM
    assert blank_form(None).score is None


def test_the_score_clicked_in_the_mail_is_selected_over_an_earlier_one_and_keeps_its_comment() -> None:
    form = blank_form(Answer(9, "Great", 1, NOW, NOW), 3)
    assert (form.score, form.comment) == (3, "Great")


@pytest.mark.parametrize("clicked", ["11", "-1", "three", "1e1", "\u0663", "000", "9" * 400])
def test_a_link_that_names_no_score_of_the_scale_selects_nothing(clicked: str) -> None:
    assert read_score(Metric.NPS, clicked) is None


def test_a_state_that_is_not_open_has_no_request() -> None:
    with pytest.raises(ValueError, match="not arrived"):
        _ = replace(STATE, request=None).open_request


def test_the_answer_becomes_a_response_of_the_request() -> None:
    first = answered(None, FORM, NOW)
    assert first
    event = survey_response(REQUEST, first)
    assert event.source == "survey"
    assert event.source_id == str(REQUEST.request_id)
    assert event.response_id == response_id("survey", str(REQUEST.request_id))
    assert (event.person_key, event.account_id, event.request_id) == ("p-1", "a-77", REQUEST.request_id)
    assert (event.program, event.channel, event.context) == ("relationship", "email", {"case": "5"})
    assert (event.score, event.comment, event.responded_at) == (9, "Great", NOW)


def test_a_changed_answer_is_the_same_response_in_a_later_order() -> None:
    first = answered(None, FORM, NOW)
    assert first
    second = answered(first, replace(FORM, score=2, comment=""), NOW + timedelta(days=1))
    assert second
    before, after = survey_response(REQUEST, first), survey_response(REQUEST, second)
    assert after.response_id == before.response_id
    assert after.order.key() > before.order.key()
    assert after.order.tie == before.order.tie
    assert after.comment is None
    assert survey_response(REQUEST.model_copy(update={"request_id": uuid4()}), first) != before
