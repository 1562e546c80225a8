"""Stopping survey mails from a survey's own link. Opening it changes nothing: scanners open every link.

One-click unsubscribing after RFC 8058: the mail program POSTs to the address in `List-Unsubscribe`. The
address alone says what ends: all surveys, or with `?of=program` those of the same program.
"""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from runtime import outbox
from runtime.cloudevents import to_message
from runtime.tracing import child_of
from schemas.requests import SurveyRequested
from schemas.survey_events import SurveyStep
from schemas.survey_link import InvalidTokenError, verify
from services.ingest import store, survey_store
from services.ingest.acceptance import SOURCE
from services.ingest.pages import Pages
from services.ingest.profiles import profile_without_surveys
from services.ingest.survey_routes import Surveys, pages_for
from services.ingest.surveys import step_taken


def unsubscribe_routes(surveys: Surveys) -> APIRouter:
    """The routes; a survey that is closed or withdrawn can still be unsubscribed from."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/s/{token}/unsubscribe", methods=["GET", "HEAD"])
    async def ask(request: Request, token: str) -> Response:
        pages = pages_for(surveys, request)
        try:
            verify(surveys.token_secret, token)
        except InvalidTokenError:
            return pages.forged()
        return pages.unsubscribe(token=token)

    @routes.post("/s/{token}/unsubscribe")
    async def unsubscribe(request: Request, token: str, of: str = "") -> Response:
        pages = pages_for(surveys, request)
        traceparent = child_of(request.headers.get("traceparent"))
        return await run_in_threadpool(
            _unsubscribe, surveys, token, pages, traceparent, program_only=of == "program"
        )

    return routes


def _unsubscribe(
    surveys: Surveys, token: str, pages: Pages, traceparent: str, *, program_only: bool
) -> Response:
    try:
        link = verify(surveys.token_secret, token)
    except InvalidTokenError:
        return pages.forged()
    with surveys.pool.connection() as connection:
        state = survey_store.survey(connection, link.request_id)
        if state is None or state.request is None:
            return pages.not_ready(token=f"{token}/unsubscribe")
        _opt_out(connection, state.request, surveys.clock.now(), traceparent, program_only=program_only)
    return pages.unsubscribed(program_only=program_only)


def _opt_out(
    connection: store.Connection,
    request: SurveyRequested,
    now: datetime,
    traceparent: str,
    *,
    program_only: bool,
) -> None:
    known = store.lock_profile(connection, request.person_key)
    program = request.program if program_only else None
    profile = profile_without_surveys(known, request.person_key, now, program=program)
    if profile == known:
        return
    store.put_profile(connection, profile)
    # Whoever hears of UNSUBSCRIBED asks nothing any more; this survey is over either way.
    step = step_taken(request, SurveyStep.DECLINED if program_only else SurveyStep.UNSUBSCRIBED, now)
    outbox.append(
        connection,
        [to_message(event, source=SOURCE, traceparent=traceparent) for event in (profile, step)],
    )
