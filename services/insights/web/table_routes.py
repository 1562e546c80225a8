"""Every table of the pages as a file for spreadsheets, for what its address says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from psycopg import Connection

from runtime.spreadsheet import csv_text
from services.insights import announcement_store, closed_loop, customers, figures, follow_ups, retention
from services.insights.assumptions import Assumptions
from services.insights.counting import Counting
from services.insights.drops import drops
from services.insights.filters import Filter
from services.insights.journey import journey, parts_of
from services.insights.moved import moved
from services.insights.releases import effects, launched
from services.insights.review import headlines
from services.insights.scheduler_api import SchedulerApi
from services.insights.source import Source
from services.insights.traits import over_represented, traits
from services.insights.web import customer_tables, tables
from services.insights.web.asking import told
from services.insights.web.guard import Viewer
from services.insights.web.journey_routes import asked_by
from services.insights.web.routes import reading
from services.insights.web.site import nothing_here
from services.insights.web.tables import Table
from services.insights.web.view import View
from services.insights.worth import worth


@dataclass(frozen=True, slots=True)
class Asked:
    """What a table is made from."""

    source: Source
    connection: Connection[Any]
    scheduler: SchedulerApi | None
    view: View
    counting: Counting
    assumed: Assumptions
    about: str
    """The person or account that it is about, by their key or id; empty where it is about none."""

    @property
    def wanted(self) -> Filter:
        """Which answers it is about."""
        return self.view.wanted


def _releases(asked: Asked) -> Table:
    wanted = asked.wanted
    found = launched(asked.connection, wanted.since, wanted.until, asked.source.zone)
    return tables.releases(effects(asked.counting, wanted, found))


def _response_rate(asked: Asked) -> Table:
    by = asked_by(asked.view.by)
    return tables.response_rate(
        by, closed_loop.response_by(asked.counting, asked.wanted, by, asked.source.today())
    )


def _response_cohorts(asked: Asked) -> Table:
    today = asked.source.today()
    return tables.response_cohorts(
        closed_loop.response_cohorts(asked.counting, asked.wanted, asked.view.step, today)
    )


def _churn(asked: Asked) -> Table:
    within, today = asked.assumed.churned_within, asked.source.today()
    return tables.churn(retention.churn(asked.counting, asked.wanted, within, today))


def _decisions(asked: Asked) -> Table:
    reasons = asked.scheduler.reasons(asked.about) if asked.scheduler is not None else None
    return customer_tables.decisions(told(reasons.decisions) if reasons is not None else ())


TABLES: Mapping[str, Callable[[Asked], Table]] = {
    "scores": lambda asked: tables.scores(figures.distribution(asked.counting, asked.wanted)),
    "trend": lambda asked: tables.trend(figures.trend(asked.counting, asked.wanted, asked.view.step)),
    "releases": _releases,
    "breakdown": lambda asked: tables.breakdown(
        asked.view.by, figures.breakdown(asked.counting, asked.wanted, asked.view.by)
    ),
    "themes": lambda asked: tables.themes(figures.themes(asked.counting, asked.wanted)),
    "traits": lambda asked: tables.traits(over_represented(traits(asked.counting, asked.wanted))),
    "movement": lambda asked: tables.movement(figures.movement(asked.counting, asked.wanted)),
    "who-moved": lambda asked: customer_tables.moves(moved(asked.connection, asked.counting, asked.wanted)),
    "who-came-down": lambda asked: customer_tables.drops(
        drops(asked.connection, asked.counting, asked.wanted)
    ),
    "heard-back": lambda asked: tables.heard_back(closed_loop.heard_back(asked.counting, asked.wanted)),
    "open-follow-ups": lambda asked: tables.owed(follow_ups.owed(asked.connection, asked.source.now())),
    "recovery": lambda asked: tables.recovery(closed_loop.recovery(asked.counting, asked.wanted)),
    "response-rate": _response_rate,
    "response-cohorts": _response_cohorts,
    "journey": lambda asked: tables.journey(journey(asked.counting, asked.wanted)),
    "journey-trend": lambda asked: tables.journey_trend(
        parts_of(asked.wanted), journey(asked.counting, asked.wanted)
    ),
    "churn": _churn,
    "worth": lambda asked: tables.worth(worth(asked.source, asked.counting, asked.wanted, asked.assumed)),
    "advocates": lambda asked: tables.advocates(retention.activated(asked.counting, asked.wanted)),
    "headlines": lambda asked: tables.headlines(
        headlines(asked.counting, asked.wanted.since, asked.wanted.until)
    ),
    "announcements": lambda asked: customer_tables.announcements(announcement_store.latest(asked.connection)),
    "people-of-account": lambda asked: customer_tables.members(
        customers.members(asked.connection, asked.about)
    ),
    "decisions": _decisions,
}
"""What makes each table, by the name in its address."""


def table_routes(source: Source, scheduler: SchedulerApi | None) -> APIRouter:
    """The route of all of them; none holds a comment or a mail address, so viewers may have them."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/tables/{name}.csv")
    def table_file(request: Request, name: str, _staff: Viewer) -> Response:
        maker = TABLES.get(name)
        if maker is None:
            return nothing_here(request, f"There are tables of {', '.join(TABLES)}.")
        view, counting = reading(source, request)
        assumed = Assumptions.read(request.query_params.multi_items())
        about = request.query_params.get("about", "")
        with source.pool.connection() as connection:
            table = maker(Asked(source, connection, scheduler, view, counting, assumed, about))
        wanted = view.wanted
        file = f"{name}-{wanted.metric}-{wanted.since}-{wanted.until}.csv"
        return Response(
            csv_text([table.columns, *table.rows]),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{file}"'},
        )

    return routes
