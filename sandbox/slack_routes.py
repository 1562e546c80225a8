"""Paths of the Slack double beside its Web API: `response_url` for the app, the rest for people."""

from collections.abc import Awaitable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.faults import Double
from sandbox.server import Front
from sandbox.slack_checks import SlackError
from sandbox.slack_interactivity import Interactivity, Press, Pressed, Submission
from sandbox.slack_socket import Sockets
from sandbox.slack_workspace import Workspace


def routes(workspace: Workspace, interactivity: Interactivity, sockets: Sockets, front: Front) -> APIRouter:
    """Serve `/slack/response/...` for the app; `/press`, `/submit`, `/home` for the page and tests."""
    router = APIRouter()

    @router.post("/slack/response/{key}")
    async def respond(key: str, request: Request) -> Response:
        try:
            body = await request.json()
        except ValueError:
            body = None

        def act(hidden_seconds: float) -> Response:
            try:
                interactivity.respond(key, body, hidden_seconds)
            except SlackError as error:
                status = 404 if error.error in ("expired_url", "used_url") else 400
                return JSONResponse(
                    {"ok": False, "error": error.error}, status, headers={"x-sandbox-result": error.error}
                )
            return JSONResponse({"ok": True})

        return await front.serve(request, Double.SLACK, "response_url", act)

    _add_people(router, workspace, interactivity, sockets)
    return router


def _add_people(
    router: APIRouter, workspace: Workspace, interactivity: Interactivity, sockets: Sockets
) -> None:
    @router.post("/press")
    async def press(order: Press) -> Response:
        return await _taken(interactivity.press(order))

    @router.post("/submit")
    async def submit(order: Submission) -> Response:
        return await _taken(interactivity.submit(order))

    @router.post("/home")
    async def home(user: str | None = None) -> Response:
        return await _taken(interactivity.open_home(user))

    @router.get("/views/{user}")
    async def views(user: str) -> Response:
        modal, tab = workspace.views.shown(user), workspace.views.homes.get(user)
        return JSONResponse(
            {
                "modal": modal.as_slack() | {"errors": modal.errors} if modal else None,
                "home": tab.as_slack() if tab else None,
            }
        )

    @router.get("/slack-sockets")
    async def connected() -> Response:
        return JSONResponse({"connected": sockets.connected, "opened": sockets.opened_so_far})

    @router.delete("/slack-sockets")
    async def disconnect() -> Response:
        sockets.disconnect()
        return Response(status_code=204)


async def _taken(done: Awaitable[Pressed]) -> Response:
    try:
        pressed = await done
    except SlackError as error:
        detail = f"There is nothing to press: {', '.join([error.error, *error.messages])}."
        return JSONResponse({"detail": detail}, 404)
    return JSONResponse(
        {
            "action_id": pressed.action_id,
            "user": pressed.user,
            "status": pressed.status,
            "seconds": pressed.seconds,
            "note": pressed.note,
        }
    )
