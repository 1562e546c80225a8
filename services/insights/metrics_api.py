"""The figures as JSON, for other tools: the same functions that the pages show, and the same filters."""

from collections.abc import Mapping
from datetime import date

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from runtime.operator import Operator
from runtime.problems import FieldProblem, problem_response
from schemas.scales import Metric
from services.insights import closed_loop, figures
from services.insights.assumptions import Assumptions
from services.insights.counting import OF_REQUESTS, Counting
from services.insights.figures import Step
from services.insights.filters import BadFilter, Dimension, Filter, Within, one_of, read
from services.insights.journey import journey
from services.insights.source import Source
from services.insights.worth import worth


class _Told(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Tally(_Told):
    """Answers by group; for NPS these are detractors, passives and promoters."""

    low: int
    middle: int
    top: int
    answers: int


class Interval(_Told):
    """Where the true value lies in 95 of 100 cases."""

    low: float
    high: float


class Score(_Told):
    """NPS from -100 to 100, CSAT in percent, CES from 1 to 7; `margin` is half the width of `interval`."""

    value: float | None
    margin: float | None
    interval: Interval | None
    is_low: bool
    """Fewer than 30 answers."""
    tally: Tally


class Change(_Told):
    """The later score minus the earlier one."""

    value: float
    margin: float
    is_low: bool
    is_significant: bool


class Share(_Told):
    """So many of so many."""

    part: int
    whole: int
    percent: float | None
    interval: Interval | None
    is_low: bool


class LeftOut(_Told):
    """Answers of a stage that the headline leaves out."""

    stage: str
    score: Score


class Headline(_Told):
    """The score of the period, against the one of the same length before."""

    score: Score
    before: Score
    change: Change | None
    left_out: tuple[LeftOut, ...]


class Bar(_Told):
    """How many gave one score."""

    score: int
    group: str
    share: Share


class Point(_Told):
    """The score of some days, both ends included."""

    since: date
    until: date
    score: Score


class Row(_Told):
    """The score of those with one value; the empty one: it is not known."""

    value: str
    score: Score


class Theme(_Told):
    """What a theme does to the score."""

    theme: str
    having: Score
    without: Score
    impact: Change | None
    before: Score
    volume: Share
    volume_before: Share
    is_rising: bool
    sentiments: Mapping[str, int]


class Moves(_Told):
    """Answers of one group whose person was in another one, or the same, before."""

    before: str
    after: str
    answers: int


class Movement(_Told):
    """Consecutive answers of one person."""

    moves: tuple[Moves, ...]
    first: Tally
    up: int
    down: int
    same: int


class HeardBack(_Told):
    """Who of a group heard from us."""

    group: str
    contacted: Share
    answered: Share


class Recovery(_Told):
    """What unhappy people said the next time."""

    answers: int
    higher: Share
    converted: Share


class ClosedLoop(_Told):
    """What was done about answers, and what it changed; `recovery` by what people heard from us."""

    heard_back: tuple[HeardBack, ...]
    first_contact_in_time: Share
    recovery: Mapping[str, Recovery]


class Churn(_Told):
    """Of the answers of one group: those whose customer was lost so soon after them."""

    group: str
    lost: Share


class Difference(_Told):
    """By how many percentage points more of the lowest group was lost."""

    points: float
    interval: Interval
    is_low: bool


class Conversion(_Told):
    """What it is worth a year that one of the lowest group becomes one of the highest."""

    churn: Difference
    arr: float
    value: float
    interval: Interval


class Saved(_Told):
    """People and accounts that a contact saved; `arr` by currency."""

    customers: Share
    waiting: int
    arr: tuple[tuple[str, float], ...]
    accounts: int
    unknown_arr: int


class Activated(_Told):
    """What the highest group offered, and what became of it."""

    wish: str
    offered: int
    activated: Share
    became: Mapping[str, int]


class Assumed(_Told):
    """What it was reckoned with; `arr` null: the mean of the books."""

    churned_within: Within
    saved_after_days: int
    credited_percent: float
    arr: float | None


class Retention(_Told):
    """What listening was worth; `credited` is revenue by currency."""

    assumed: Assumed
    churn: tuple[Churn, ...]
    conversion: Conversion | None
    saved: Saved
    credited: tuple[tuple[str, float], ...]
    activated: tuple[Activated, ...]


class ResponseRate(_Told):
    """Who answered of those asked; immature while some can still answer."""

    value: str
    answered: Share
    open: int
    is_immature: bool


class Cohort(_Told):
    """The surveys sent on some days, both ends included."""

    since: date
    until: date
    response: ResponseRate


class Feeling(_Told):
    """A metric at one stage, now and in the period before."""

    score: Score
    before: Score
    change: Change | None


class Stage(_Told):
    """What people at one lifecycle stage say; `trend` is of the filter's metric, in parts of the period."""

    stage: str
    feelings: Mapping[Metric, Feeling]
    trend: tuple[Score, ...]


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
