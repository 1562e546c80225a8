"""Takes in what people say: answers, what they tick afterwards, and pages they never finished."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from runtime import outbox
from runtime.cloudevents import Event, to_message
from schemas.requests import SurveyRequested
from schemas.scales import group_of
from services.ingest import metrics, store, survey_store, visit_store
from services.ingest.acceptance import SOURCE
from services.ingest.api_keys import RESERVED_SOURCE
from services.ingest.languages import Language
from services.ingest.store import Connection
from services.ingest.survey_file import SurveyFile
from services.ingest.surveys import (
    FINAL_AFTER,
    Answer,
    Form,
    Standing,
    answered,
    finished_by_time,
    said_again,
    standing,
    survey_response,
    taken_back,
)
from services.ingest.visits import is_doubtful
from services.ingest.wishes import offers, profile_with_wishes

_AT_ONCE = 100


def take_answer(
    connection: Connection,
    request_id: UUID,
    form: Form,
    *,
    file: SurveyFile,
    now: datetime,
    traceparent: str,
) -> Standing:
    """Stores and announces what the form says, if the survey is open; a repetition changes nothing."""
    state = survey_store.survey(connection, request_id, lock=True)
    now_is = standing(state, now)
    if state is None or now_is is not Standing.OPEN:
        return now_is
    request = state.open_request
    further = file.further_question(request, store.known_profile(connection, request.person_key))
    doubtful = is_doubtful(visit_store.of_survey(connection, request_id).keys(), now)
    answer = answered(state.answer, form, now, further_question=further, doubtful=doubtful)
    if answer is not None:
        _put(connection, request, answer, traceparent)
        metrics.RESPONSES_ACCEPTED.labels(RESERVED_SOURCE, request.metric).inc()
    return Standing.OPEN


def take_wishes(
    connection: Connection,
    request_id: UUID,
    ticked: Collection[str],
    *,
    favours: Iterable[str],
    language: Language,
    now: datetime,
    traceparent: str,
) -> Standing:
    """Makes consents of what somebody ticked, in the words they read.

    The answer is said again after the profile: whoever plans by it finds the consents.
    """
    state = survey_store.survey(connection, request_id, lock=True)
    now_is = standing(state, now)
    if state is None or state.answer is None or now_is is not Standing.OPEN:
        return now_is
    request = state.open_request
    offered = offers(group_of(request.metric, state.answer.score), favours)
    known = store.lock_profile(connection, request.person_key)
    profile = profile_with_wishes(
        known,
        request.person_key,
        offered={topic: language.say(wording) for topic, wording in offered.items()},
        ticked=ticked,
        now=now,
    )
    if profile is None or profile == known:
        return Standing.OPEN
    store.put_profile(connection, profile)
    _announce(connection, profile, traceparent)
    _put(connection, request, said_again(state.answer, now), traceparent)
    return Standing.OPEN


def finish(connection: Connection, now: datetime, traceparent: str) -> int:
    """Makes provisional answers final, or takes back a scanner's; returns how many it looked at."""
    due = survey_store.lock_unfinished(connection, now - FINAL_AFTER, limit=_AT_ONCE)
    for state in due:
        if state.answer:
            visits = visit_store.of_survey(connection, state.request_id)
            doubtful = is_doubtful(visits.keys(), state.answer.answered_at)
            outcome = taken_back if doubtful else finished_by_time
            _put(connection, state.open_request, outcome(state.answer, now), traceparent)
    return len(due)


def _put(connection: Connection, request: SurveyRequested, answer: Answer, traceparent: str) -> None:
    survey_store.put_answer(connection, request.request_id, answer)
    _announce(connection, survey_response(request, answer), traceparent)


def _announce(connection: Connection, event: Event, traceparent: str) -> None:
    outbox.append(connection, [to_message(event, source=SOURCE, traceparent=traceparent)])
