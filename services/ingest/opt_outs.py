"""What others tell of surveys, from `survey.events.v1`: who refused them, and when they were sent."""

from collections.abc import Sequence

from runtime import outbox
from runtime.cloudevents import decode, to_message, traceparent_of
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.tracing import child_of
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.ingest import store, survey_store
from services.ingest.acceptance import SOURCE
from services.ingest.profiles import profile_without_surveys

GROUP = "ingest.survey-events"
_REFUSALS = frozenset({SurveyStep.UNSUBSCRIBED, SurveyStep.COMPLAINED})


def read(record: Record) -> SurveyStepOccurred:
    """The event in a record. Raises Undecodable."""
    return decode(record, {SurveyStepOccurred.TYPE: SurveyStepOccurred})


def apply(connection: store.Connection, delivered: Sequence[Delivered[SurveyStepOccurred]]) -> None:
    """Keeps when surveys were sent, and ends them to those who refused; who had done so stays as they are."""
    sent = [one.event for one in delivered if one.event.step is SurveyStep.SENT]
    survey_store.put_sent(connection, sorted((step.request_id, step.occurred_at) for step in sent))
    refused = [one for one in delivered if one.event.step in _REFUSALS]
    for one in sorted(refused, key=lambda one: one.event.person_key):
        step = one.event
        known = store.lock_profile(connection, step.person_key)
        profile = profile_without_surveys(known, step.person_key, step.occurred_at)
        if profile == known:
            continue
        store.put_profile(connection, profile)
        traceparent = child_of(traceparent_of(one.record.headers))
        outbox.append(connection, [to_message(profile, source=SOURCE, traceparent=traceparent)])
