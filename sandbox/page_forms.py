"""What the page's forms post: a press of a button, faults, limits, the business clock."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.requests import Request

from sandbox.clock import BusinessClock, NoClockError
from sandbox.faults import FaultRequest
from sandbox.slack_checks import SlackError
from sandbox.slack_interactivity import Press, Submission
from sandbox.world import World

_LONGEST_TURN_DAYS = 3650
FIELD = "field:"
"""Begins the name of each field of a modal's form; its block follows."""


def _same_site(request: Request) -> None:
    """Refuse what another web site posts here through someone's browser."""
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise HTTPException(403, "The sandbox takes no orders from other sites.")


def _back(request: Request, section: str) -> Response:
    query = request.query_params.get("back", "")
    return RedirectResponse(f"/{query if query.startswith('?') else ''}#{section}", 303)


def routes(world: World, clock: BusinessClock) -> APIRouter:
    """Serve `/page/...` and `/clock`; each answers a browser by sending it back to the page."""
    router = APIRouter(dependencies=[Depends(_same_site)])
    _add_slack(router, world)

    @router.post("/page/faults")
    async def order(request: Request, form: Annotated[FaultRequest, Form()]) -> Response:
        world.faults.add(form)
        return _back(request, "faults")

    @router.post("/page/faults/{fault_id}/lift")
    async def lift(request: Request, fault_id: int) -> Response:
        world.faults.remove(fault_id)
        return _back(request, "faults")

    @router.post("/page/limits")
    async def limits(request: Request, factor: Annotated[float, Form(gt=0)]) -> Response:
        world.factor.value = factor
        return _back(request, "faults")

    @router.post("/page/forget")
    async def forget(request: Request) -> Response:
        world.clear()
        return _back(request, "top")

    @router.post("/clock")
    async def turn(request: Request, days: Annotated[float, Form(gt=0, le=_LONGEST_TURN_DAYS)]) -> Response:
        try:
            offset = await clock.turn(days)
        except NoClockError as error:
            raise HTTPException(503, str(error)) from None
        if "text/html" in request.headers.get("accept", ""):
            return _back(request, "top")
        return JSONResponse({"offset_seconds": offset.total_seconds()})

    return router


def _add_slack(router: APIRouter, world: World) -> None:
    @router.post("/page/press")
    async def press(request: Request, form: Annotated[Press, Form()]) -> Response:
        try:
            await world.interactivity.press(form)
        except SlackError as error:
            raise HTTPException(404, f"There is nothing to press: {error.error}.") from None
        return _back(request, f"m{form.ts}" if form.ts else "slack")

    @router.post("/page/submit")
    async def submit(request: Request) -> Response:
        form = await request.form()
        filled = {
            name.removeprefix(FIELD): [str(value) for value in form.getlist(name)]
            for name in form
            if name.startswith(FIELD)
        }
        order = Submission(user=str(form["user"]), values=filled)
        try:
            await world.interactivity.submit(order)
        except SlackError as error:
            detail = ", ".join([error.error, *error.messages])
            raise HTTPException(409, f"The app's answer was refused: {detail}.") from None
        return _back(request, "slack")

    @router.post("/page/close")
    async def close(request: Request, user: Annotated[str, Form()]) -> Response:
        world.workspace.views.close(user)
        return _back(request, "slack")
