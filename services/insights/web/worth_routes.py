"""The page of what listening was worth, and its tables as files."""

from fastapi import APIRouter, Request, Response

from schemas.scales import GROUPS
from services.insights.assumptions import Assumptions
from services.insights.filters import Dimension, Within
from services.insights.retention import lost_within
from services.insights.source import Source
from services.insights.web.bars import interval_bars
from services.insights.web.guard import Viewer
from services.insights.web.routes import figure_page, reading
from services.insights.worth import worth


def worth_routes(source: Source) -> APIRouter:
    """The route of the page."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/retention")
    def retention(request: Request, _staff: Viewer) -> Response:
        view, counting = reading(source, request)
        assumed = Assumptions.read(request.query_params.multi_items())
        told = worth(source, counting, view.wanted, assumed)
        lowest, *_, highest = GROUPS[view.wanted.metric]
        lost = told.told_by.choosing(Dimension.LOST_AFTER, *lost_within(assumed.churned_within))
        return figure_page(
            request,
            "retention.html",
            view,
            told=told,
            assumed=assumed,
            withins=tuple(Within),
            lost_behind={
                row.group: view.to("/answers", lost.choosing(Dimension.GROUP, row.group))
                for row in told.churn
                if row.lost.part
            },
            bars=interval_bars(
                [(row.lost.percent, row.lost.interval) for row in told.churn], lowest=0, highest=100
            ),
            lowest=lowest,
            highest=highest,
        )

    return routes
