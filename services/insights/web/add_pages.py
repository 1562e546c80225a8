"""The pages as one application, added to the service's own."""

from collections.abc import Mapping
from types import MappingProxyType

from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware

from services.insights.filters import BadFilter
from services.insights.programs import Purpose
from services.insights.router_api import RouterApi
from services.insights.scheduler_api import SchedulerApi
from services.insights.source import Source
from services.insights.web.announcement_routes import announcement_routes
from services.insights.web.customer_routes import customer_routes
from services.insights.web.guard import add_guard
from services.insights.web.inbox_routes import inbox_routes
from services.insights.web.journey_routes import journey_routes
from services.insights.web.moved_routes import moved_routes
from services.insights.web.review_routes import review_routes
from services.insights.web.routes import bad_filter, figure_routes
from services.insights.web.settings import PageSettings
from services.insights.web.sign_in import sign_in_routes
from services.insights.web.site import file_routes
from services.insights.web.staff import LONGEST_SESSION
from services.insights.web.table_routes import table_routes
from services.insights.web.worth_routes import worth_routes


def add_pages(
    app: FastAPI,
    source: Source,
    settings: PageSettings,
    purposes: Mapping[str, Purpose] = MappingProxyType({}),
) -> None:
    """Adds every page under `/`, behind what the application serves; none without SESSION_SECRET.

    `purposes`: of programs, by their ids.
    """
    if settings.session_secret is None:
        return
    scheduler = _scheduler(settings)
    is_encrypted = settings.insights_url.startswith("https://")
    pages = FastAPI(title="Insights", docs_url=None, redoc_url=None, openapi_url=None)
    add_guard(pages)
    pages.add_exception_handler(BadFilter, bad_filter)
    pages.add_middleware(
        SessionMiddleware,
        secret_key=settings.session_secret.get_secret_value(),
        # The prefix holds browsers to it: sent by this host alone, over TLS, for every path.
        session_cookie="__Host-insights" if is_encrypted else "insights",
        max_age=int(LONGEST_SESSION.total_seconds()),
        # Lax, as the sign-in service sends people back with a link; what writes is a form with a token.
        same_site="lax",
        https_only=is_encrypted,
    )
    pages.include_router(file_routes())
    pages.include_router(sign_in_routes(settings))
    pages.include_router(figure_routes(source))
    pages.include_router(journey_routes(source, purposes))
    pages.include_router(moved_routes(source))
    pages.include_router(worth_routes(source))
    pages.include_router(table_routes(source, scheduler))
    pages.include_router(review_routes(source))
    pages.include_router(announcement_routes(source))
    pages.include_router(customer_routes(source, scheduler))
    pages.include_router(inbox_routes(source, _router(settings)))
    app.mount("/", pages)


def _router(settings: PageSettings) -> RouterApi | None:
    key = settings.router_operator_key
    return RouterApi(settings.router_url, key) if key is not None else None


def _scheduler(settings: PageSettings) -> SchedulerApi | None:
    key = settings.scheduler_operator_key
    return SchedulerApi(settings.scheduler_url, key) if key is not None else None
