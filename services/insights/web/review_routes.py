"""The page of a month's review."""

from fastapi import APIRouter, Request, Response

from schemas.scales import GROUPS, Metric
from services.insights.figures import Step
from services.insights.filters import Dimension, Filter
from services.insights.review import Month, review
from services.insights.source import Source
from services.insights.web.guard import Viewer
from services.insights.web.site import page
from services.insights.web.view import View
from services.insights.web.wording import HEARD_BACK, NAMES


def review_routes(source: Source) -> APIRouter:
    """The route of it."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/review")
    def of_a_month(request: Request, _staff: Viewer) -> Response:
        today = source.today()
        month = Month.read(request.query_params.get("month"), today)
        counting = source.counting()
        until = min(month.until, today)
        with source.pool.connection() as connection:
            told = review(connection, counting, month, today, source.zone)
        return page(
            request,
            "review.html",
            month=month,
            until=until,
            view=View(Filter(Metric.NPS, month.since, until), Step.DAY, Dimension.SEGMENT),
            earlier=month.earlier(),
            later=month.later(today),
            review=told,
            metrics=NAMES,
            groups=GROUPS[Metric.NPS],
            heard_names=HEARD_BACK,
        )

    return routes
