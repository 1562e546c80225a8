"""The events the router plans, as the ledger sees them. Pure."""

from datetime import datetime

from schemas.classified import ResponseClassified
from schemas.event import Effects
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.responses import ResponseRecorded, ResponseStatus
from services.router.admission import Occurrence, Standing
from services.router.movement import Score
from services.router.occasion import Occasion
from services.router.outcomes import subject_of_request, subject_of_response

PlannedEvent = ResponseClassified | SurveyRequested | SurveyRequestCancelled
PLANNED_EVENTS: dict[str, type[PlannedEvent]] = {
    event.TYPE: event for event in (ResponseClassified, SurveyRequested, SurveyRequestCancelled)
}


def occurrence_of(event: PlannedEvent) -> Occurrence:
    """What planning needs to know of an event."""
    match event:
        case ResponseClassified(response=response):
            return Occurrence(
                subject=subject_of_response(response.response_id),
                occasion=Occasion.RESPONSE,
                person_key=response.person_key,
                account_id=response.account_id,
                key=event.order_key(),
                delivers=response.effects is Effects.DELIVER,
                standing=_standing(response),
                happened_at=response.responded_at,
            )
        case SurveyRequested():
            return Occurrence(
                subject=subject_of_request(event.request_id),
                occasion=Occasion.SURVEY_REQUEST,
                person_key=event.person_key,
                account_id=event.account_id,
                key=(event.version, 0, 0, 0),
                delivers=True,
                standing=Standing.FINAL,
                happened_at=event.requested_at,
                expires_at=event.expires_at,
            )
        case SurveyRequestCancelled():
            return Occurrence(
                subject=subject_of_request(event.request_id),
                occasion=Occasion.SURVEY_REQUEST,
                person_key=event.person_key,
                account_id=None,
                key=(event.version, 0, 0, 0),
                delivers=True,
                standing=Standing.RETRACTED,
                happened_at=event.cancelled_at,
            )


def received_at(event: PlannedEvent) -> datetime:
    """When we came to know what it is about."""
    match event:
        case ResponseClassified(response=response):
            return response.received_at
        case SurveyRequested():
            return event.requested_at
        case SurveyRequestCancelled():
            return event.cancelled_at


def score_of(occurrence: Occurrence, event: ResponseClassified) -> Score | None:
    """The score that an answer adds to its person's; None where it does not count."""
    response = event.response
    if occurrence.standing is not Standing.FINAL or response.score is None:
        return None
    return Score(occurrence.subject, response.metric, response.score, response.responded_at)


def _standing(response: ResponseRecorded) -> Standing:
    if response.status is ResponseStatus.RETRACTED:
        return Standing.RETRACTED
    if response.test:
        return Standing.TEST
    return Standing.PROVISIONAL if response.provisional else Standing.FINAL
