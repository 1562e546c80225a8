"""The ingest service's HTTP application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import psycopg
from fastapi import FastAPI, Request, Response

from runtime.health import Health
from runtime.ops import ops_routes
from runtime.problems import add_problem_handlers, problem_response
from services.ingest import metrics, openapi, problems
from services.ingest.acceptance import NoSourceIdError
from services.ingest.api import Api, api_routes
from services.ingest.batches import batch_routes
from services.ingest.body import REFUSED_UNREAD_BYTES
from services.ingest.inbound_mail_routes import InboundMails, inbound_mail_routes
from services.ingest.mail_event_routes import MailEvents, mail_event_routes
from services.ingest.survey_routes import Surveys, pages_for, survey_routes
from services.ingest.unsubscribe_routes import unsubscribe_routes
from services.ingest.waiting import NotTakenError
from services.ingest.webhook_routes import Webhooks, webhook_routes
from services.ingest.widget_routes import Widget, script_routes, widget_app

DESCRIPTION = """\
Takes answers to surveys, and what you know about your customers.

Every call needs `Authorization: Bearer fr_…`; the key decides which source the record comes from.
A call can be repeated: the same source and the same id are the same record. Refusals are RFC 9457 problem
details that name each field and what was expected of it.
"""


def build_app(
    *,
    api: Api,
    webhooks: Webhooks,
    mail_events: MailEvents,
    inbound_mail: InboundMails,
    surveys: Surveys,
    widget: Widget,
    health: Health,
    background: Callable[[], Awaitable[None]] | None = None,
) -> FastAPI:
    """The application; `background` runs in the server's event loop as long as the server does."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.ensure_future(background()) if background else None
        yield
        if task:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    app = FastAPI(
        title="feedback-router ingest",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        # Not an included router, whose routes are matched twice; and first, as most calls are for these.
        routes=[*api_routes(api), *batch_routes(api), *webhook_routes(webhooks)],
        # It would look for an exporter at every request, and a trace of /s/… would carry the survey's key.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    add_problem_handlers(app, max_body_bytes=REFUSED_UNREAD_BYTES)
    app.add_exception_handler(NoSourceIdError, _no_source_id)

    async def not_taken(request: Request, _error: Exception) -> Response:
        metrics.NOT_TAKEN.inc()
        if request.url.path.startswith("/s/"):
            return pages_for(surveys, request).unavailable()
        problem = problems.not_taken()
        return problem_response(problem.status, problem.detail, headers=problem.headers)

    app.add_exception_handler(NotTakenError, not_taken)
    app.add_exception_handler(psycopg.OperationalError, not_taken)
    app.include_router(mail_event_routes(mail_events))
    app.include_router(inbound_mail_routes(inbound_mail))
    app.include_router(survey_routes(surveys))
    app.include_router(unsubscribe_routes(surveys))
    app.include_router(script_routes())
    app.mount("/v1/widget", widget_app(widget))
    app.include_router(ops_routes(health))
    openapi.complete(app)
    return app


async def _no_source_id(_request: Request, _error: Exception) -> Response:
    problem = problems.no_source_id()
    return problem_response(problem.status, problem.detail, problem.errors)
