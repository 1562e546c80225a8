"""The page of those who moved between two groups."""

from fastapi import APIRouter, Request, Response

from services.insights.moved import MOST_MOVES, moved
from services.insights.source import Source
from services.insights.web.guard import Viewer
from services.insights.web.routes import figure_page, reading
from services.insights.web.staff import Role
from services.insights.web.timeline import timeline


def moved_routes(source: Source) -> APIRouter:
    """The route of the page."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/movement/people")
    def who_moved(request: Request, staff: Viewer) -> Response:
        view, counting = reading(source, request)
        with source.pool.connection() as connection:
            moves = moved(connection, counting, view.wanted)
        return figure_page(
            request,
            "moved.html",
            view,
            moves=[(move, timeline(move.between)) for move in moves],
            most=MOST_MOVES,
            reads_all=staff.may(Role.AGENT),
            zone=source.zone,
        )

    return routes
