"""The pages that show figures: each reads its address, asks for figures, and hands them to its template."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from schemas.scales import GROUPS
from services.insights import closed_loop, figures, follow_ups
from services.insights.answers import behind
from services.insights.counting import Counting
from services.insights.drops import drops
from services.insights.figures import Point as Period
from services.insights.figures import Step
from services.insights.filters import Dimension, Rolling
from services.insights.quotes import quotes
from services.insights.releases import effects, launched
from services.insights.source import Source
from services.insights.standing import NONE
from services.insights.traits import over_represented, traits
from services.insights.web import answers_file
from services.insights.web.bars import interval_bars, slices
from services.insights.web.guard import Agent, Viewer
from services.insights.web.line_chart import Mark, Point, line_chart
from services.insights.web.place import after_of, place_of
from services.insights.web.site import page
from services.insights.web.staff import Role
from services.insights.web.view import HEADLINE_DIMENSIONS, View
from services.insights.web.wording import HEARD_BACK, NAMES, RANGES, day

ANSWERS_A_PAGE = 50


def figure_routes(source: Source) -> APIRouter:
    """The routes of all of them. They run in threads, as PostgreSQL is waited for."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    def dashboard(request: Request, _staff: Viewer) -> Response:
        view, counting = reading(source, request)
        wanted = view.wanted
        headline = figures.headline(counting, wanted)
        bars = figures.distribution(counting, wanted)
        periods = figures.trend(counting, wanted, view.step)
        rows = figures.breakdown(counting, wanted, view.by)
        with source.pool.connection() as connection:
            releases = launched(connection, wanted.since, wanted.until, source.zone)
        lowest, highest = RANGES[wanted.metric]
        tally = headline.score.tally
        parts = (tally.low, tally.middle, tally.top)
        return figure_page(
            request,
            "dashboard.html",
            view,
            headline=headline,
            scores=bars,
            most=max(bar.share.part for bar in bars),
            groups=list(zip(GROUPS[wanted.metric], parts, slices(parts), strict=True)),
            periods=[(_name(period, view), period) for period in periods],
            chart=line_chart(
                [_point(period, view) for period in periods],
                lowest=lowest,
                highest=highest,
                marks=[Mark(one.day, one.name) for one in releases],
            ),
            releases=effects(counting, wanted, releases),
            rows=rows,
            bars=interval_bars(
                [(row.score.value, row.score.interval) for row in rows], lowest=lowest, highest=highest
            ),
        )

    @routes.get("/themes")
    def themes(request: Request, staff: Viewer) -> Response:
        view, counting = reading(source, request)
        rows = figures.themes(counting, view.wanted)
        with source.pool.connection() as connection:
            quoted = quotes(connection, counting, view.wanted, [row.theme for row in rows])
        most = max(RANGES[view.wanted.metric])
        impacts = [(row.impact.value, row.impact.interval) if row.impact else (None, None) for row in rows]
        return figure_page(
            request,
            "themes.html",
            view,
            rows=rows,
            groups=GROUPS[view.wanted.metric],
            bars=interval_bars(impacts, lowest=-most, highest=most),
            traits=over_represented(traits(counting, view.wanted)),
            quoted=quoted,
            reads_all=staff.may(Role.AGENT),
            zone=source.zone,
        )

    @routes.get("/movement")
    def movement(request: Request, staff: Viewer) -> Response:
        view, counting = reading(source, request)
        moved = figures.movement(counting, view.wanted)
        groups = GROUPS[view.wanted.metric]
        cells = {(one.before, one.after): one.answers for one in moved.moves}
        with source.pool.connection() as connection:
            fallen = drops(connection, counting, view.wanted)
        return figure_page(
            request,
            "movement.html",
            view,
            moved=moved,
            groups=groups,
            cells=cells,
            drops=fallen,
            reads_all=staff.may(Role.AGENT),
            zone=source.zone,
        )

    @routes.get("/closed-loop")
    def what_came_of_it(request: Request, _staff: Viewer) -> Response:
        view, counting = reading(source, request)
        wanted = view.wanted
        heard = closed_loop.heard_back(counting, wanted)
        in_time = closed_loop.first_contact_in_time(counting, wanted)
        recovered = closed_loop.recovery(counting, wanted)
        with source.pool.connection() as connection:
            owed = follow_ups.owed(connection, source.now())
            quick = follow_ups.quickness(connection, wanted.since, wanted.until, source.zone)
        lowest, *_, highest = GROUPS[wanted.metric]
        return figure_page(
            request,
            "closed_loop.html",
            view,
            heard=heard,
            owed=owed,
            quick=quick,
            in_time=in_time,
            recovered=recovered,
            difference=recovered["contacted"].higher.minus(recovered[NONE].higher),
            lowest=lowest,
            highest=highest,
            heard_names=HEARD_BACK,
        )

    @routes.get("/answers")
    def answers(request: Request, staff: Viewer) -> Response:
        after = after_of(request.query_params.get("after"))
        view, counting = reading(source, request)
        with source.pool.connection() as connection:
            shown = behind(connection, counting, view.wanted, limit=ANSWERS_A_PAGE, after=after)
        return figure_page(
            request,
            "answers.html",
            view,
            answers=shown.answers,
            next_place=place_of(shown.after) if shown.after else None,
            is_first=after is None,
            reads_all=staff.may(Role.AGENT),
            zone=source.zone,
        )

    @routes.get("/answers.csv")
    def answers_csv(request: Request, _staff: Agent) -> Response:
        wanted = _view(source, request).wanted
        name = f"{wanted.metric}-{wanted.since}-{wanted.until}.csv"
        return StreamingResponse(
            answers_file.lines(source, wanted),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return routes


async def bad_filter(request: Request, error: Exception) -> Response:
    """Says which part of the address cannot be used."""
    return page(
        request,
        "message.html",
        status=400,
        heading="This address cannot be understood",
        sentence=f"{error}. Change it in the address, or start again from the dashboard.",
    )


def reading(source: Source, request: Request) -> tuple[View, Counting]:
    """What the address means, and what counts. Raises BadFilter."""
    return _view(source, request), source.counting()


def _view(source: Source, request: Request) -> View:
    return View.read(request.query_params.multi_items(), source.today())


def figure_page(request: Request, template: str, view: View, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - a template takes anything
    """A page with the filter of its address on top."""
    return page(
        request,
        template,
        status=status,
        view=view,
        wanted=view.wanted,
        metrics=NAMES,
        metric_name=NAMES[view.wanted.metric],
        dimensions=HEADLINE_DIMENSIONS,
        steps=tuple(Step),
        rollings=tuple(Rolling),
        group_dimension=Dimension.GROUP,
        **values,
    )


def _name(period: Period, view: View) -> str:
    if view.wanted.rolling:
        return f"{view.wanted.rolling.days} days to {day(period.until)}"
    if view.step is Step.MONTH:
        return f"{period.since:%b %Y}"
    return day(period.since)


def _point(period: Period, view: View) -> Point:
    at = period.until if view.wanted.rolling else period.since
    name = f"{at:%b %Y}" if view.step is Step.MONTH else f"{at.day} {at:%b}"
    return Point(at, name, period.score.value, period.score.interval)
