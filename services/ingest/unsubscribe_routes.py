"""Stopping survey mails from a survey's own link. Opening it changes nothing: scanners open every link.

One-click unsubscribing after RFC 8058: the mail program POSTs to the address in `List-Unsubscribe`.
"""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from runtime import outbox
from runtime.cloudevents import to_message
from runtime.tracing import child_of
from schemas.requests import SurveyRequested
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from schemas.survey_link import InvalidTokenError, verify
from services.ingest import pages, store
from services.ingest.acceptance import SOURCE
from services.ingest.profiles import profile_without_surveys
from services.ingest.survey_routes import Surveys


def unsubscribe_routes(surveys: Surveys) -> APIRouter:
    """The routes; a survey that is closed or withdrawn can still be unsubscribed from."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/s/{token}/unsubscribe", methods=["GET", "HEAD"])
    async def ask(token: str) -> Response:
        try:
            verify(surveys.token_secret, token)
        except InvalidTokenError:
            return pages.forged_page()
        return pages.unsubscribe_page(token=token)

    @routes.post("/s/{token}/unsubscribe")
    async def unsubscribe(request: Request, token: str) -> Response:
        traceparent = child_of(request.headers.get("traceparent"))
        return await run_in_threadpool(_unsubscribe, surveys, token, traceparent)

    return routes


def _unsubscribe(surveys: Surveys, token: str, traceparent: str) -> Response:
    try:
        link = verify(surveys.token_secret, token)
    except InvalidTokenError:
        return pages.forged_page()
    with surveys.pool.connection() as connection:
        state = store.survey(connection, link.request_id)
        if state is None or state.request is None:
            return pages.not_ready_page(token=f"{token}/unsubscribe")
        _opt_out(connection, state.request, surveys.clock.now(), traceparent)
    return pages.unsubscribed_page()


def _opt_out(connection: store.Connection, request: SurveyRequested, now: datetime, traceparent: str) -> None:
    known = store.lock_profile(connection, request.person_key)
    profile = profile_without_surveys(known, request.person_key, now)
    if profile == known:
        return
    store.put_profile(connection, profile)
    step = SurveyStepOccurred(
        request_id=request.request_id,
        person_key=request.person_key,
        program=request.program,
        channel=request.channel,
        step=SurveyStep.UNSUBSCRIBED,
        occurred_at=now,
    )
    outbox.append(
        connection,
        [to_message(event, source=SOURCE, traceparent=traceparent) for event in (profile, step)],
    )
