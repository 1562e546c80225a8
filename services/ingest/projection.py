"""Keeps the survey requests that a link can name, from `survey.requests.v1`."""

from collections.abc import Sequence

from runtime.cloudevents import decode
from runtime.consumer import Delivered
from runtime.messages import Record
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from services.ingest import store
from services.ingest.survey_store import project_requests

GROUP = "ingest.survey-requests"
SurveyRequestEvent = SurveyRequested | SurveyRequestCancelled
_MODELS: dict[str, type[SurveyRequestEvent]] = {
    SurveyRequested.TYPE: SurveyRequested,
    SurveyRequestCancelled.TYPE: SurveyRequestCancelled,
}


def read(record: Record) -> SurveyRequestEvent:
    """The event in a record. Raises Undecodable."""
    return decode(record, _MODELS)


def project(connection: store.Connection, delivered: Sequence[Delivered[SurveyRequestEvent]]) -> None:
    """Writes a batch of requests and cancellations; who was erased is asked nothing, however late it is."""
    erased = store.erased(connection, {one.event.person_key for one in delivered})
    project_requests(connection, [one.event for one in delivered if one.event.person_key not in erased])
