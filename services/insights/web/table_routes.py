"""Every table of the pages as a file for spreadsheets, for the filter of its address."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request, Response

from runtime.spreadsheet import csv_text
from services.insights import closed_loop, figures, follow_ups, retention
from services.insights.assumptions import Assumptions
from services.insights.counting import Counting
from services.insights.journey import journey, parts_of
from services.insights.releases import effects, launched
from services.insights.source import Source
from services.insights.traits import over_represented, traits
from services.insights.web import tables
from services.insights.web.guard import Viewer
from services.insights.web.journey_routes import asked_by
from services.insights.web.routes import reading
from services.insights.web.site import nothing_here
from services.insights.web.tables import Table
from services.insights.web.view import View

Maker = Callable[[Source, View, Counting, Assumptions], Table]


def _releases(source: Source, view: View, counting: Counting, _assumed: Assumptions) -> Table:
    wanted = view.wanted
    with source.pool.connection() as connection:
        found = launched(connection, wanted.since, wanted.until, source.zone)
    return tables.releases(effects(counting, wanted, found))


def _owed(source: Source, _view: View, _counting: Counting, _assumed: Assumptions) -> Table:
    with source.pool.connection() as connection:
        return tables.owed(follow_ups.owed(connection, source.now()))


def _response_rate(source: Source, view: View, counting: Counting, _assumed: Assumptions) -> Table:
    by = asked_by(view.by)
    return tables.response_rate(by, closed_loop.response_by(counting, view.wanted, by, source.today()))


TABLES: Mapping[str, Maker] = {
    "scores": lambda _, view, counting, *__: tables.scores(figures.distribution(counting, view.wanted)),
    "trend": lambda _, view, counting, *__: tables.trend(figures.trend(counting, view.wanted, view.step)),
    "releases": _releases,
    "breakdown": lambda _, view, counting, *__: tables.breakdown(
        view.by, figures.breakdown(counting, view.wanted, view.by)
    ),
    "themes": lambda _, view, counting, *__: tables.themes(figures.themes(counting, view.wanted)),
    "traits": lambda _, view, counting, *__: tables.traits(over_represented(traits(counting, view.wanted))),
    "movement": lambda _, view, counting, *__: tables.movement(figures.movement(counting, view.wanted)),
    "heard-back": lambda _, view, counting, *__: tables.heard_back(
        closed_loop.heard_back(counting, view.wanted)
    ),
    "open-follow-ups": _owed,
    "recovery": lambda _, view, counting, *__: tables.recovery(closed_loop.recovery(counting, view.wanted)),
    "response-rate": _response_rate,
    "response-cohorts": lambda source, view, counting, _: tables.response_cohorts(
        closed_loop.response_cohorts(counting, view.wanted, view.step, source.today())
    ),
    "journey": lambda _, view, counting, *__: tables.journey(journey(counting, view.wanted)),
    "journey-trend": lambda _, view, counting, *__: tables.journey_trend(
        parts_of(view.wanted), journey(counting, view.wanted)
    ),
    "churn": lambda source, view, counting, assumed: tables.churn(
        retention.churn(counting, view.wanted, assumed.churned_within, source.today())
    ),
    "advocates": lambda _, view, counting, *__: tables.advocates(retention.activated(counting, view.wanted)),
}
"""What makes each table, by the name in its address."""


def table_routes(source: Source) -> APIRouter:
    """The route of all of them; none names a respondent, so whoever sees the pages may have them."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/tables/{name}.csv")
    def table_file(request: Request, name: str, _staff: Viewer) -> Response:
        maker = TABLES.get(name)
        if maker is None:
            return nothing_here(request, f"There are tables of {', '.join(TABLES)}.")
        view, counting = reading(source, request)
        table = maker(source, view, counting, Assumptions.read(request.query_params.multi_items()))
        wanted = view.wanted
        file = f"{name}-{wanted.metric}-{wanted.since}-{wanted.until}.csv"
        return Response(
            csv_text([table.columns, *table.rows]),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{file}"'},
        )

    return routes
