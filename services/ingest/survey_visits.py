"""Judges who visited surveys' pages, and announces the first click of a person."""

from datetime import datetime

from runtime import outbox
from runtime.cloudevents import to_message
from schemas.survey_events import SurveyStep
from services.ingest import metrics, survey_store, visit_store
from services.ingest.acceptance import SOURCE
from services.ingest.store import Connection
from services.ingest.surveys import step_taken
from services.ingest.visits import NEAR, verdict

_AT_ONCE = 100


def judge(connection: Connection, now: datetime, traceparent: str) -> int:
    """Judges visits that are over for long enough; returns how many surveys it looked at."""
    due = visit_store.lock_unjudged(connection, now - NEAR, limit=_AT_ONCE)
    for request_id in due:
        state = survey_store.survey(connection, request_id)
        found = verdict(visit_store.of_survey(connection, request_id), state.sent_at if state else None, now)
        for visit, who in found.judged.items():
            visit_store.judge(connection, request_id, visit, who)
            metrics.SURVEY_VISITS.labels(who).inc()
        if state and state.request and found.click:
            clicked = step_taken(state.request, SurveyStep.CLICKED, found.click.at)
            outbox.append(connection, [to_message(clicked, source=SOURCE, traceparent=traceparent)])
    return len(due)
