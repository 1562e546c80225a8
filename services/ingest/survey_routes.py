"""The hosted survey, `/s/{token}`. Opening it never records an answer; only the form's POST does."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import to_message
from runtime.postgres import Pool
from runtime.tracing import child_of
from schemas.survey_link import InvalidTokenError, verify
from services.ingest import metrics, pages, store
from services.ingest.acceptance import SOURCE
from services.ingest.body import TooLargeError, read_body
from services.ingest.surveys import (
    Form,
    Standing,
    SurveyState,
    answered,
    blank_form,
    read_form,
    read_score,
    standing,
    survey_response,
)

PROJECTED_WITHIN_SECONDS = 2.0
"""How long a person who was quicker than the topic waits before the page asks for patience."""
_LOOK_EVERY_SECONDS = 0.1
_BODY_BYTES = 64 * 1024
_MAX_FIELDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveys:
    """What the hosted survey stands on."""

    pool: Pool
    clock: Clock
    token_secret: bytes


class _Ended(Exception):
    """The request ends with this page."""

    def __init__(self, page: Response) -> None:
        super().__init__()
        self.page = page


def survey_routes(surveys: Surveys) -> APIRouter:
    """The survey's routes."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/s/{token}", methods=["GET", "HEAD"])
    async def show(token: str, thanks: bool = False, score: str = "") -> Response:
        try:
            state = await _open_survey(surveys, token)
        except _Ended as ended:
            return ended.page
        if thanks and state.answer:
            return pages.thanks_page(state.open_request, state.answer, token=token)
        form = blank_form(state.answer, read_score(state.open_request.metric, score))
        return pages.survey_page(state.open_request, form, token=token, already_answered=bool(state.answer))

    @routes.post("/s/{token}")
    async def answer(request: Request, token: str) -> Response:
        try:
            state = await _open_survey(surveys, token)
            form = read_form(state.open_request.metric, await _fields(request))
            if form.errors:
                return pages.survey_page(
                    state.open_request, form, token=token, already_answered=bool(state.answer), status=422
                )
            traceparent = child_of(request.headers.get("traceparent"))
            await run_in_threadpool(_store, surveys, state.request_id, form, traceparent)
        except _Ended as ended:
            return ended.page
        return Response(status_code=303, headers={**pages.HEADERS, "Location": f"/s/{token}?thanks=true"})

    return routes


async def _open_survey(surveys: Surveys, token: str) -> SurveyState:
    try:
        link = verify(surveys.token_secret, token)
    except InvalidTokenError:
        raise _Ended(pages.forged_page()) from None
    # A token's end is the wall clock's, a survey's is the business clock's: only the latter can be turned.
    if link.expires_at <= datetime.now(UTC):
        raise _Ended(pages.closed_page())
    deadline = time.monotonic() + PROJECTED_WITHIN_SECONDS
    while True:
        state = await run_in_threadpool(_look_up, surveys, link.request_id)
        _end_unless_open(standing(state, surveys.clock.now()))
        if state is not None and state.request is not None:
            return state
        if time.monotonic() > deadline:
            raise _Ended(pages.not_ready_page(token=token))
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


def _end_unless_open(now: Standing) -> None:
    if now is Standing.CANCELLED:
        raise _Ended(pages.cancelled_page())
    if now is Standing.CLOSED:
        raise _Ended(pages.closed_page())


def _look_up(surveys: Surveys, request_id: UUID) -> SurveyState | None:
    with surveys.pool.connection() as connection:
        return store.survey(connection, request_id)


def _store(surveys: Surveys, request_id: UUID, form: Form, traceparent: str) -> None:
    with surveys.pool.connection() as connection:
        state = store.survey(connection, request_id, lock=True)
        now = surveys.clock.now()
        # It can have closed since the form was read.
        _end_unless_open(standing(state, now))
        if state is None:
            raise _Ended(pages.forged_page())
        answer = answered(state.answer, form, now)
        if answer is None:
            return
        store.put_answer(connection, request_id, answer)
        event = survey_response(state.open_request, answer)
        outbox.append(connection, [to_message(event, source=SOURCE, traceparent=traceparent)])
    metrics.RESPONSES_ACCEPTED.labels(event.source, event.metric).inc()


async def _fields(request: Request) -> dict[str, str]:
    try:
        raw = await read_body(request, _BODY_BYTES)
    except TooLargeError:
        raise _Ended(pages.too_large_page()) from None
    try:
        return dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}
