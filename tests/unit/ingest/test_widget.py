from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from schemas.event import Effects
from schemas.profiles import OptOut, ProfileChanged
from schemas.scales import Metric
from services.ingest.languages import Languages
from services.ingest.survey_file import AnonymousSurvey
from services.ingest.surveys import Answer, SurveyState
from services.ingest.widget import (
    VisitorsAnswer,
    is_on_scale,
    may_see,
    shown_to_person,
    shown_to_visitor,
    visitors_response,
)
from tests.unit.ingest.test_survey_file import FILE, person
from tests.unit.ingest.test_surveys import NOW, REQUEST, STATE

VISITORS = AnonymousSurvey.model_validate(
    {
        "program": "website",
        "metric": "csat",
        "question": {"en": "How was it?", "de": "Wie war es?"},
        "follow_up": {"en": "Why?"},
        "share": 0.25,
    }
)
ANSWER = VisitorsAnswer(answer_id=UUID(int=1), score=2, comment=" Prices ", finished=True)


def refusing(program: str | None) -> ProfileChanged:
    return person().model_copy(update={"opt_outs": (OptOut(program=program, since=NOW),)})


@pytest.mark.parametrize(
    ("state", "profile", "expected"),
    [
        (STATE, None, True),
        (STATE, refusing("another"), True),
        (STATE, refusing(REQUEST.program), False),
        (STATE, refusing(None), False),
        (replace(STATE, cancelled=True), None, False),
        (replace(STATE, request=None), None, False),
        (replace(STATE, request=REQUEST.model_copy(update={"expires_at": NOW})), None, False),
        (replace(STATE, request=REQUEST.model_copy(update={"closes_at": NOW})), None, False),
    ],
)
def test_who_may_see_it(state: SurveyState, profile: ProfileChanged | None, expected: bool) -> None:
    assert may_see(state, profile, NOW) is expected


def test_a_score_that_was_chosen_on_the_page_before_is_shown_again() -> None:
    english = Languages().best("en")
    assert shown_to_person(STATE, None, FILE, english)["score"] is None
    chosen = replace(STATE, answer=Answer(3, "", 1, NOW, NOW, provisional=True))
    shown = shown_to_person(chosen, person(cohort="annual"), FILE, english)
    assert shown["score"] == 3
    assert shown["follow_ups"][shown["groups"][3]] == "Before renewing?"


def test_visitors_are_asked_in_their_language_or_not_at_all() -> None:
    languages = Languages()
    shown = shown_to_visitor(VISITORS, FILE, languages.best("en"))
    assert shown
    assert (shown["question"], shown["share"], len(shown["groups"])) == ("How was it?", 0.25, 5)
    assert set(shown["follow_ups"].values()) == {"Why?"}
    assert shown_to_visitor(VISITORS, FILE, languages.best("de")) is None


def test_a_visitor_s_later_words_are_the_same_response() -> None:
    first = visitors_response(VISITORS, ANSWER, "en", NOW)
    later = visitors_response(VISITORS, ANSWER, "en", NOW + timedelta(seconds=5))
    assert first.response_id == later.response_id
    assert first.order.key() < later.order.key()
    assert (first.effects, first.comment, first.program) == (Effects.RECORD, "Prices", "website")
    assert (first.person_key, first.request_id) == (str(first.response_id), None)


@pytest.mark.parametrize(
    ("metric", "score", "expected"),
    [(Metric.NPS, 0, True), (Metric.NPS, 11, False), (Metric.CSAT, 0, False), (Metric.CES, 7, True)],
)
def test_is_on_scale(metric: Metric, score: int, expected: bool) -> None:
    assert is_on_scale(metric, score) is expected
