"""What the in-app widget asks and tells, `/v1/widget/…`, and its script."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware

from runtime import outbox
from runtime.cloudevents import Event, to_message
from runtime.problems import FieldProblem, Problem, add_problem_handlers, problem_response
from runtime.tracing import child_of
from schemas.requests import SurveyRequested
from schemas.scales import SCALES, Metric
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.ingest import metrics, problems, store, survey_store, widget_store
from services.ingest.acceptance import SOURCE
from services.ingest.identity import customer_key
from services.ingest.survey_answers import take_answer
from services.ingest.survey_routes import Surveys
from services.ingest.surveys import Standing, step_taken
from services.ingest.widget import (
    NotSignedError,
    PersonsAnswer,
    Tab,
    TabAndRequest,
    VisitorsAnswer,
    customer_id_of,
    form_of,
    is_on_scale,
    may_see,
    shown_to_person,
    shown_to_visitor,
    visitors_response,
)

_SCRIPT = files("services.ingest").joinpath("static/widget.js").read_bytes()
_MAX_BODY_BYTES = 32 * 1024
_BEARER = "Bearer "

Identity = Annotated[str, Header(alias="Authorization")]
Spoken = Annotated[str, Header(alias="Accept-Language")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """What the widget stands on. Without a secret it serves nobody who is known."""

    surveys: Surveys
    person_key_secret: bytes
    secret: bytes | None
    origins: Sequence[str]
    """Where the product's pages are served from."""


def script_routes() -> APIRouter:
    """The script itself, for pages of any origin."""
    routes = APIRouter(include_in_schema=False)
    tag = f'"{sha256(_SCRIPT).hexdigest()[:32]}"'
    headers = {
        "Cache-Control": "public, max-age=3600",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
    }

    @routes.api_route("/widget/v1.js", methods=["GET", "HEAD"])
    async def script(if_none_match: Annotated[str, Header()] = "") -> Response:
        if if_none_match == tag:
            return Response(status_code=304, headers=headers)
        return Response(_SCRIPT, headers=headers, media_type="text/javascript; charset=utf-8")

    return routes


def widget_app(widget: Widget) -> FastAPI:
    """The application under `/v1/widget`; only the product's own origins may call it."""
    app = FastAPI(openapi_url=None, telemetry={"tracing": False, "metrics": False, "logs": False})
    add_problem_handlers(app, max_body_bytes=_MAX_BODY_BYTES)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(widget.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        max_age=3600,
    )

    app.add_exception_handler(psycopg.OperationalError, _not_taken)
    app.include_router(_persons_routes(widget))
    app.include_router(_visitors_routes(widget))

    @app.get("/eligibility")
    def eligibility(
        tab: Annotated[Tab, Query()], identity: Identity = "", spoken: Spoken = ""
    ) -> dict[str, Any]:
        if identity:
            return {"survey": _for_person(widget, _person(widget, identity), tab)}
        return {"survey": _for_visitor(widget.surveys, spoken)}

    return app


def _persons_routes(widget: Widget) -> APIRouter:
    routes, surveys = APIRouter(), widget.surveys

    @routes.post("/shows")
    def shows(said: TabAndRequest, request: Request, identity: Identity) -> dict[str, bool]:
        person = _person(widget, identity)
        with surveys.pool.connection() as connection:
            asked = _asked(connection, said.request_id, person)
            is_new = widget_store.claim(connection, said.request_id, said.tab)
            if is_new:
                _step(connection, request, step_taken(asked, SurveyStep.SHOWN, surveys.clock.now()))
        return {"granted": is_new is not None}

    @routes.post("/declines", status_code=204)
    def declines(said: TabAndRequest, request: Request, identity: Identity) -> None:
        person = _person(widget, identity)
        with surveys.pool.connection() as connection:
            asked = _asked(connection, said.request_id, person)
            if widget_store.decline(connection, said.request_id):
                _step(connection, request, step_taken(asked, SurveyStep.DECLINED, surveys.clock.now()))

    @routes.post("/answers", status_code=204)
    def answers(said: PersonsAnswer, request: Request, identity: Identity) -> None:
        person = _person(widget, identity)
        with surveys.pool.connection() as connection:
            asked = _asked(connection, said.request_id, person)
            _check_score(asked.metric, said.score)
            now_is = take_answer(
                connection,
                said.request_id,
                form_of(said),
                file=surveys.file,
                now=surveys.clock.now(),
                traceparent=child_of(request.headers.get("traceparent")),
            )
        if now_is is not Standing.OPEN:
            raise Problem(410, "The survey does not take answers any more.")

    return routes


def _visitors_routes(widget: Widget) -> APIRouter:
    routes, surveys = APIRouter(), widget.surveys

    @routes.post("/visitors-answers", status_code=204)
    def visitors_answers(said: VisitorsAnswer, request: Request, spoken: Spoken = "") -> None:
        survey = surveys.file.widget.anonymous
        # Browsers send it with every call from another origin, and no page can make them send another one.
        if survey is None or request.headers.get("origin") not in widget.origins:
            raise Problem(403, "Nobody is asked here.")
        _check_score(survey.metric, said.score)
        language = surveys.site.pages(spoken).language.code
        response = visitors_response(survey, said, language, surveys.clock.now())
        with surveys.pool.connection() as connection:
            _announce(connection, request, response)
        metrics.RESPONSES_ACCEPTED.labels(response.source, response.metric).inc()

    return routes


async def _not_taken(_request: Request, _error: Exception) -> Response:
    metrics.NOT_TAKEN.inc()
    problem = problems.not_taken()
    return problem_response(problem.status, problem.detail, headers=problem.headers)


def _person(widget: Widget, authorization: str) -> str:
    """The key of who the product says is signed in."""
    if widget.secret is None:
        raise Problem(403, "The widget asks nobody here: WIDGET_SECRET is not set.")
    try:
        customer_id = customer_id_of(widget.secret, authorization.removeprefix(_BEARER))
    except NotSignedError as error:
        raise Problem(
            401,
            f"The identity cannot be used: {error}. Expected: a JWT with sub, exp and aud,"
            " signed with WIDGET_SECRET (HS256).",
        ) from None
    return customer_key(widget.person_key_secret, customer_id)


def _for_person(widget: Widget, person_key: str, tab: str) -> dict[str, Any] | None:
    surveys = widget.surveys
    now = surveys.clock.now()
    with surveys.pool.connection() as connection:
        profile = store.known_profile(connection, person_key)
        waiting = widget_store.waiting_for(connection, store.keys_of(connection, person_key), tab)
    state = next((one for one in waiting if may_see(one, profile, now)), None)
    if state is None:
        return None
    language = surveys.site.pages(state.open_request.language).language
    return shown_to_person(state, profile, surveys.file, language)


def _for_visitor(surveys: Surveys, spoken: str) -> dict[str, Any] | None:
    survey = surveys.file.widget.anonymous
    return shown_to_visitor(survey, surveys.file, surveys.site.pages(spoken).language) if survey else None


def _asked(connection: store.Connection, request_id: UUID, person_key: str) -> SurveyRequested:
    """The request, which must be this person's."""
    state = survey_store.survey(connection, request_id)
    request = state.request if state else None
    if request is None or request.person_key not in store.keys_of(connection, person_key):
        raise Problem(404, "This person was not asked that.")
    return request


def _check_score(metric: Metric, score: int) -> None:
    if not is_on_scale(metric, score):
        scale = SCALES[metric]
        raise Problem(
            422,
            "The score is not on the scale.",
            errors=[FieldProblem("/score", f"a whole number from {scale.lowest} to {scale.highest}")],
        )


def _step(connection: store.Connection, request: Request, step: SurveyStepOccurred) -> None:
    _announce(connection, request, step)
    metrics.WIDGET_STEPS.labels(step.step).inc()


def _announce(connection: store.Connection, request: Request, event: Event) -> None:
    traceparent = child_of(request.headers.get("traceparent"))
    outbox.append(connection, [to_message(event, source=SOURCE, traceparent=traceparent)])
