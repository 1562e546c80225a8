"""The Slack Web API over HTTP: arguments, tokens, rate limits."""

import hmac
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.faults import Double
from sandbox.server import Front, json_answer, refused
from sandbox.slack_checks import SlackError
from sandbox.slack_methods import METHODS, Answer, Arguments
from sandbox.slack_socket import Sockets
from sandbox.slack_workspace import Workspace

_JSON_ARGUMENTS = ("blocks", "attachments", "metadata", "view")
_OPEN_SOCKET = "apps.connections.open"


def routes(
    workspace: Workspace, front: Front, sockets: Sockets, *, token: str, app_token: str
) -> list[BaseRoute]:
    """Serve the methods under `/slack/api/`; only the tokens are let in, and nothing at all if empty."""

    async def call(request: Request) -> Response:
        method = request.path_params["method"]
        arguments = await _arguments(request)

        def act(hidden_seconds: float) -> Response:
            try:
                if method == _OPEN_SOCKET:
                    _authorise(request, arguments, app_token)
                    return json_answer({"ok": True, "url": sockets.ticket()})
                _authorise(request, arguments, token)
                return _called(workspace, method, arguments, hidden_seconds)
            except SlackError as error:
                body: Answer = {"ok": False, "error": error.error}
                if error.messages:
                    body["response_metadata"] = {"messages": error.messages}
                return json_answer(body, headers={"x-sandbox-result": error.error})

        return await front.serve(request, Double.SLACK, method, act)

    return [Route("/slack/api/{method}", call, methods=["GET", "POST"])]


def _called(workspace: Workspace, method: str, arguments: Arguments, hidden_seconds: float) -> Response:
    perform = METHODS.get(method)
    if perform is None:
        raise SlackError("unknown_method")
    posts = method == "chat.postMessage"
    channel_id = workspace.channel_to_post(arguments.get("channel")).channel_id if posts else None
    wait_seconds = workspace.wait_seconds(method, channel_id)
    if wait_seconds:
        return refused(
            Double.SLACK, HTTPStatus.TOO_MANY_REQUESTS, "ratelimited", retry_after_seconds=wait_seconds
        )
    return json_answer({"ok": True, **perform(workspace, arguments, hidden_seconds)})


async def _arguments(request: Request) -> dict[str, Any]:
    """Collect a call's arguments from query, form or JSON body; a form carries structures as JSON text."""
    arguments: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        parsed = _json_or_none(body)
        return arguments | parsed if isinstance(parsed, dict) else arguments
    arguments |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    for name in _JSON_ARGUMENTS:
        if isinstance(arguments.get(name), str):
            arguments[name] = _json_or_none(arguments[name])
    return arguments


def _json_or_none(text: str | bytes) -> object:
    try:
        return from_json(text)
    except ValueError:
        return None


def _authorise(request: Request, arguments: Arguments, token: str) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        given = str(arguments.get("token", ""))
    if not given:
        raise SlackError("not_authed")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        raise SlackError("invalid_auth")
