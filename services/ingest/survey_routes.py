"""The hosted survey, `/s/{token}`. Opening it never records an answer; only the form's POST does."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from runtime.clock import Clock
from runtime.postgres import Pool
from runtime.tracing import child_of
from schemas.profiles import ProfileChanged
from schemas.scales import group_of
from schemas.survey_link import InvalidTokenError, verify
from services.ingest import store, survey_store, visit_store
from services.ingest.body import TooLargeError, read_body
from services.ingest.pages import Pages, Site
from services.ingest.survey_answers import take_answer, take_wishes
from services.ingest.survey_file import SurveyFile
from services.ingest.surveys import (
    Answer,
    Form,
    Standing,
    SurveyState,
    blank_form,
    read_form,
    read_score,
    standing,
)
from services.ingest.visits import Visit
from services.ingest.wishes import offers

PROJECTED_WITHIN_SECONDS = 2.0
"""How long a person who was quicker than the topic waits before the page asks for patience."""
_LOOK_EVERY_SECONDS = 0.1
_BODY_BYTES = 64 * 1024
_MAX_FIELDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveys:
    """What the hosted survey stands on."""

    pool: Pool
    clock: Clock
    token_secret: bytes
    file: SurveyFile
    site: Site


@dataclass(frozen=True, slots=True)
class _Asked:
    """A survey that can be answered, and what is known of whom it asks."""

    state: SurveyState
    profile: ProfileChanged | None


class _Ended(Exception):
    """The request ends with this page."""

    def __init__(self, page: Response) -> None:
        super().__init__()
        self.page = page


def survey_routes(surveys: Surveys) -> APIRouter:
    """The survey's routes."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/s/{token}", methods=["GET", "HEAD"])
    async def show(
        request: Request,
        token: str,
        *,
        thanks: bool = False,
        saved: bool = False,
        score: str = "",
        unseen: bool = False,
    ) -> Response:
        try:
            asked = await _open_survey(surveys, token, pages_for(surveys, request))
        except _Ended as ended:
            return ended.page
        answer = asked.state.answer
        if thanks and answer:
            return _thanks(surveys, asked, answer, token, saved=saved)
        clicked = read_score(asked.state.open_request.metric, score)
        visit = Visit(surveys.clock.now(), clicked, unseen=unseen, head=request.method == "HEAD")
        await run_in_threadpool(_store_visit, surveys, asked, visit)
        return _form(surveys, asked, blank_form(answer, clicked), token)

    @routes.post("/s/{token}")
    async def answer(request: Request, token: str) -> Response:
        pages = pages_for(surveys, request)
        try:
            asked = await _open_survey(surveys, token, pages)
            form = read_form(asked.state.open_request.metric, dict(await _fields(request, pages)))
            if form.mistakes:
                return _form(surveys, asked, form, token, status=422)
            traceparent = child_of(request.headers.get("traceparent"))
            now_is = await run_in_threadpool(_store, surveys, asked, form, traceparent)
            # It can have closed since the form was read.
            _end_unless_open(now_is, pages)
        except _Ended as ended:
            return ended.page
        return _see(surveys, f"/s/{token}?thanks=true" if form.finished else f"/s/{token}")

    @routes.post("/s/{token}/wishes")
    async def wishes(request: Request, token: str) -> Response:
        pages = pages_for(surveys, request)
        try:
            asked = await _open_survey(surveys, token, pages)
            ticked = {value for name, value in await _fields(request, pages) if name == "wish"}
            traceparent = child_of(request.headers.get("traceparent"))
            now_is = await run_in_threadpool(_store_wishes, surveys, asked, ticked, traceparent)
            _end_unless_open(now_is, pages)
        except _Ended as ended:
            return ended.page
        return _see(surveys, f"/s/{token}?thanks=true&saved=true")

    return routes


def pages_for(surveys: Surveys, request: Request) -> Pages:
    """The pages in the language that the browser asks for."""
    return surveys.site.pages(request.headers.get("accept-language", ""))


async def _open_survey(surveys: Surveys, token: str, pages: Pages) -> _Asked:
    try:
        link = verify(surveys.token_secret, token)
    except InvalidTokenError:
        raise _Ended(pages.forged()) from None
    # A token's end is the wall clock's, a survey's is the business clock's: only the latter can be turned.
    if link.expires_at <= datetime.now(UTC):
        raise _Ended(pages.closed())
    deadline = time.monotonic() + PROJECTED_WITHIN_SECONDS
    while True:
        asked = await run_in_threadpool(_look_up, surveys, link.request_id)
        _end_unless_open(standing(asked.state if asked else None, surveys.clock.now()), pages)
        if asked is not None and asked.state.request is not None:
            return asked
        if time.monotonic() > deadline:
            raise _Ended(pages.not_ready(token=token))
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


def _end_unless_open(now_is: Standing, pages: Pages) -> None:
    if now_is is Standing.CANCELLED:
        raise _Ended(pages.cancelled())
    if now_is is Standing.CLOSED:
        raise _Ended(pages.closed())


def _look_up(surveys: Surveys, request_id: UUID) -> _Asked | None:
    with surveys.pool.connection() as connection:
        state = survey_store.survey(connection, request_id)
        if state is None:
            return None
        profile = store.known_profile(connection, state.request.person_key) if state.request else None
        return _Asked(state, profile)


def _store_visit(surveys: Surveys, asked: _Asked, visit: Visit) -> None:
    with surveys.pool.connection() as connection:
        visit_store.add(connection, asked.state.request_id, visit)


def _store(surveys: Surveys, asked: _Asked, form: Form, traceparent: str) -> Standing:
    with surveys.pool.connection() as connection:
        return take_answer(
            connection,
            asked.state.request_id,
            form,
            file=surveys.file,
            now=surveys.clock.now(),
            traceparent=traceparent,
        )


def _store_wishes(surveys: Surveys, asked: _Asked, ticked: set[str], traceparent: str) -> Standing:
    with surveys.pool.connection() as connection:
        return take_wishes(
            connection,
            asked.state.request_id,
            ticked,
            favours=surveys.file.favours,
            language=surveys.site.pages(asked.state.open_request.language).language,
            now=surveys.clock.now(),
            traceparent=traceparent,
        )


def _form(surveys: Surveys, asked: _Asked, form: Form, token: str, *, status: int = 200) -> Response:
    request = asked.state.open_request
    return surveys.site.pages(request.language).survey(
        request,
        form,
        token=token,
        answer=asked.state.answer,
        follow_ups=surveys.file.follow_up_questions(request, asked.profile),
        further_question=surveys.file.further_question(request, asked.profile),
        status=status,
    )


def _thanks(surveys: Surveys, asked: _Asked, answer: Answer, token: str, *, saved: bool) -> Response:
    request = asked.state.open_request
    pages = surveys.site.pages(request.language)
    offered = offers(group_of(request.metric, answer.score), surveys.file.favours)
    return pages.thanks(
        request,
        answer,
        token=token,
        offered={topic: pages.say(wording) for topic, wording in offered.items()},
        ticked={consent.topic for consent in asked.profile.consents} if asked.profile else (),
        saved=saved,
    )


def _see(surveys: Surveys, address: str) -> Response:
    return Response(status_code=303, headers={**surveys.site.headers, "Location": address})


async def _fields(request: Request, pages: Pages) -> list[tuple[str, str]]:
    try:
        raw = await read_body(request, _BODY_BYTES)
    except TooLargeError:
        raise _Ended(pages.too_large()) from None
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return []
