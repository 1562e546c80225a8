"""The figures as JSON, for other tools: the same functions that the pages show, and the same filters."""

from fastapi import APIRouter, Depends, Request, Response

from runtime.operator import Operator
from runtime.problems import FieldProblem, problem_response
from schemas.scales import Metric
from services.insights import closed_loop, figures
from services.insights.assumptions import Assumptions
from services.insights.counting import OF_REQUESTS, Counting
from services.insights.figures import Step
from services.insights.filters import BadFilter, Dimension, Filter, Within, one_of, read
from services.insights.journey import journey
from services.insights.metric_bodies import (
    Bar,
    ClosedLoop,
    Cohort,
    Headline,
    Movement,
    Point,
    ResponseRate,
    Retention,
    Row,
    Stage,
    Theme,
)
from services.insights.source import Source
from services.insights.worth import worth

PARAMETERS = [
    {"name": "metric", "in": "query", "schema": {"enum": [one.value for one in Metric], "default": "nps"}},
    {"name": "from", "in": "query", "schema": {"type": "string", "format": "date"}},
    {"name": "to", "in": "query", "schema": {"type": "string", "format": "date"}},
    *(
        {"name": one.value, "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}
        for one in Dimension
    ),
]
"""What every route takes, beside its own: the filter of the pages' addresses."""

ASSUMPTIONS = [
    {"name": "churned_within", "in": "query", "schema": {"enum": [one.value for one in Within]}},
    *(
        {"name": name, "in": "query", "schema": {"type": "number"}}
        for name in ("saved_after_days", "credited_percent", "arr")
    ),
]
"""What the worth of keeping customers is reckoned with."""


def metrics_routes(source: Source, operator: Operator) -> APIRouter:
    """The routes under `/v1/metrics`, for whoever holds the key."""
    routes = APIRouter(prefix="/v1/metrics", dependencies=[Depends(operator)])
    documented = {"parameters": PARAMETERS}

    @routes.get("/score", openapi_extra=documented)
    def score(request: Request) -> Headline:
        counting, wanted = _asked(source, request)
        return Headline.model_validate(figures.headline(counting, wanted))

    @routes.get("/distribution", openapi_extra=documented)
    def distribution(request: Request) -> list[Bar]:
        counting, wanted = _asked(source, request)
        return [Bar.model_validate(one) for one in figures.distribution(counting, wanted)]

    @routes.get("/trend", openapi_extra=documented)
    def trend(request: Request, step: str = Step.WEEK) -> list[Point]:
        width = one_of(Step, "step", step)
        counting, wanted = _asked(source, request)
        return [Point.model_validate(one) for one in figures.trend(counting, wanted, width)]

    @routes.get("/breakdown", openapi_extra=documented)
    def breakdown(request: Request, by: str = Dimension.SEGMENT) -> list[Row]:
        dimension = one_of(Dimension, "by", by)
        counting, wanted = _asked(source, request)
        return [Row.model_validate(one) for one in figures.breakdown(counting, wanted, dimension)]

    @routes.get("/themes", openapi_extra=documented)
    def themes(request: Request) -> list[Theme]:
        counting, wanted = _asked(source, request)
        return [Theme.model_validate(one) for one in figures.themes(counting, wanted)]

    @routes.get("/movement", openapi_extra=documented)
    def movement(request: Request) -> Movement:
        counting, wanted = _asked(source, request)
        return Movement.model_validate(figures.movement(counting, wanted))

    @routes.get("/closed-loop", openapi_extra=documented)
    def what_came_of_it(request: Request) -> ClosedLoop:
        counting, wanted = _asked(source, request)
        return ClosedLoop.model_validate(
            {
                "heard_back": closed_loop.heard_back(counting, wanted),
                "first_contact_in_time": closed_loop.first_contact_in_time(counting, wanted),
                "recovery": closed_loop.recovery(counting, wanted),
            }
        )

    @routes.get("/retention", openapi_extra={"parameters": [*PARAMETERS, *ASSUMPTIONS]})
    def retention(request: Request) -> Retention:
        counting, wanted = _asked(source, request)
        assumed = Assumptions.read(request.query_params.multi_items())
        return Retention.model_validate(worth(source, counting, wanted, assumed))

    @routes.get("/journey", openapi_extra=documented)
    def along_the_way(request: Request) -> list[Stage]:
        counting, wanted = _asked(source, request)
        return [Stage.model_validate(one) for one in journey(counting, wanted)]

    _add_response_rates(routes, source)
    return routes


def _add_response_rates(routes: APIRouter, source: Source) -> None:
    documented = {"parameters": PARAMETERS}

    @routes.get("/response-rate", openapi_extra=documented)
    def response_rate(request: Request, by: str = Dimension.PROGRAM) -> list[ResponseRate]:
        dimension = one_of(Dimension, "by", by, OF_REQUESTS)
        counting, wanted = _asked(source, request)
        rows = closed_loop.response_by(counting, wanted, dimension, source.today())
        return [ResponseRate.model_validate(one) for one in rows]

    @routes.get("/response-cohorts", openapi_extra=documented)
    def response_cohorts(request: Request, step: str = Step.WEEK) -> list[Cohort]:
        width = one_of(Step, "step", step)
        counting, wanted = _asked(source, request)
        rows = closed_loop.response_cohorts(counting, wanted, width, source.today())
        return [Cohort.model_validate(one) for one in rows]


async def bad_filter(_request: Request, error: Exception) -> Response:
    """Names the parameter, and what was expected of it."""
    assert isinstance(error, BadFilter)  # noqa: S101 - it handles nothing else
    said = FieldProblem(error.parameter, error.expected)
    return problem_response(422, f"Not as expected: {error.parameter}.", [said])


def _asked(source: Source, request: Request) -> tuple[Counting, Filter]:
    """What counts, and what a request wants to know. Raises BadFilter."""
    wanted = read(request.query_params.multi_items(), source.today())
    return source.counting(), wanted
