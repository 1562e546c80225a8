"""The pages of the customers' way with us, and of who answers when asked."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from schemas.scales import Metric
from services.insights import closed_loop
from services.insights.counting import OF_REQUESTS
from services.insights.filters import Dimension
from services.insights.journey import journey, parts_of
from services.insights.programs import Purpose
from services.insights.source import Source
from services.insights.web.guard import Viewer
from services.insights.web.routes import figure_page, reading


def journey_routes(source: Source, purposes: Mapping[str, Purpose]) -> APIRouter:
    """The routes of both."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/journey")
    def along_the_way(request: Request, _staff: Viewer) -> Response:
        view, counting = reading(source, request)
        stages = journey(counting, view.wanted)
        return figure_page(
            request,
            "journey.html",
            view,
            stages=stages,
            every_metric=[
                metric
                for metric in Metric
                if metric is view.wanted.metric
                or any(one.feelings[metric].score.tally.answers for one in stages)
            ],
            parts_of_period=parts_of(view.wanted),
        )

    @routes.get("/response")
    def who_answered(request: Request, _staff: Viewer) -> Response:
        view, counting = reading(source, request)
        today = source.today()
        by = asked_by(view.by)
        return figure_page(
            request,
            "response.html",
            view,
            whole=closed_loop.response(counting, view.wanted, today),
            cohorts=closed_loop.response_cohorts(counting, view.wanted, view.step, today),
            by=by,
            asked={
                one: closed_loop.response_by(counting, view.wanted, one, today)
                for one in dict.fromkeys((Dimension.PROGRAM, by))
            },
            asked_dimensions=tuple(one for one in Dimension if one in OF_REQUESTS),
            purposes=purposes,
            program=Dimension.PROGRAM,
        )

    return routes


def asked_by(dimension: Dimension) -> Dimension:
    """The dimension itself, if those who were asked can be told apart by it; else the program."""
    return dimension if dimension in OF_REQUESTS else Dimension.PROGRAM
