"""What happens when someone presses a button: a signed callback to the app, and the app's `response_url`.

Payload after docs.slack.dev/reference/interaction-payloads/block_actions-payload, signature after
docs.slack.dev/authentication/verifying-requests-from-slack, `response_url` (five uses in 30 minutes) after
docs.slack.dev/interactivity/handling-user-interaction.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.faults import Double
from sandbox.server import Front
from sandbox.slack_checks import SlackError, check_blocks, check_text
from sandbox.slack_workspace import APP_ID, TEAM_ID, Channel, Message, Person, Workspace

ACKNOWLEDGE_SECONDS = 3.0
_RESPONSE_URL_USES = 5
_RESPONSE_URL_SECONDS = 30 * 60
_KEPT = 1000


class Press(BaseModel):
    """A person presses a button, or picks `value` in a menu, of a message."""

    model_config = ConfigDict(extra="forbid")

    channel: str
    ts: str
    action_id: str
    block_id: str | None = None
    user: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Pressed:
    """How the app took it: its HTTP status (None: unreachable or too late) and what the person sees."""

    action_id: str
    user: str
    status: int | None
    seconds: float
    note: str
    at: float


@dataclass(slots=True)
class _Reply:
    channel: Channel
    message: Message
    user_id: str
    uses: int
    expires: float


def sign(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """Make the two headers by which the app knows that a callback is Slack's."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": f"v0={digest}"}


class Interactivity:
    """Sends the callbacks and serves the response URLs they carry."""

    def __init__(self, workspace: Workspace, *, url: str, signing_secret: str, public_url: str) -> None:
        self.url = url
        self.latest: OrderedDict[tuple[str, str], Pressed] = OrderedDict()
        self._workspace = workspace
        self._secret = signing_secret
        self._public_url = public_url
        self._replies: OrderedDict[str, _Reply] = OrderedDict()
        self._client = httpx.AsyncClient(timeout=ACKNOWLEDGE_SECONDS, trust_env=False)

    async def close(self) -> None:
        """Release the connections."""
        await self._client.aclose()

    async def press(self, press: Press) -> Pressed:
        """Send the callback of one press; raises SlackError if there is nothing to press."""
        channel = self._workspace.channel(press.channel)
        message = self._workspace.message(channel, press.ts)
        block, element = _element(message, press)
        person = self._person(press.user)
        payload = self._payload(channel, message, person, _action(block, element, press.value))
        pressed = await self._send(payload, press.action_id, person)
        self.latest[channel.channel_id, message.ts] = pressed
        while len(self.latest) > _KEPT:
            self.latest.popitem(last=False)
        return pressed

    def _person(self, user_id: str | None) -> Person:
        if user_id is None:
            return next(iter(self._workspace.people.values()))
        try:
            return self._workspace.people[user_id]
        except KeyError:
            raise SlackError("user_not_found") from None

    def _payload(
        self, channel: Channel, message: Message, person: Person, action: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "type": "block_actions",
            "user": {
                "id": person.user_id,
                "username": person.email.partition("@")[0],
                "name": person.email.partition("@")[0],
                "team_id": TEAM_ID,
            },
            "api_app_id": APP_ID,
            "token": "deprecated",  # Slack still sends the verification token that signatures replaced
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": channel.channel_id,
                "is_ephemeral": message.only_for is not None,
            },
            "trigger_id": f"{time.time_ns()}.{secrets.token_hex(8)}",
            "team": {"id": TEAM_ID, "domain": "sandbox"},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": channel.channel_id, "name": channel.name},
            "message": message.as_slack(with_metadata=True),
            "state": {"values": {}},
            "response_url": self._response_url(channel, message, person),
            "actions": [action],
        }

    def _response_url(self, channel: Channel, message: Message, person: Person) -> str:
        key = secrets.token_urlsafe(24)
        expires = time.monotonic() + _RESPONSE_URL_SECONDS
        self._replies[key] = _Reply(channel, message, person.user_id, _RESPONSE_URL_USES, expires)
        while len(self._replies) > _KEPT:
            self._replies.popitem(last=False)
        return f"{self._public_url}/slack/response/{key}"

    async def _send(self, payload: dict[str, Any], action_id: str, person: Person) -> Pressed:
        body = urlencode({"payload": json.dumps(payload)}).encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "Slackbot 1.0 (sandbox)",
        }
        started = time.monotonic()
        status: int | None = None
        if not self.url:
            note = "Interactivity is off: set INTERACTIVITY_URL."
        elif not self._secret:
            note = "Nothing can be signed: set SLACK_SIGNING_SECRET."
        else:
            try:
                answer = await self._client.post(
                    self.url, content=body, headers=headers | sign(self._secret, body, int(time.time()))
                )
            except httpx.TimeoutException:
                note = "The app did not acknowledge within 3 s."
            except httpx.HTTPError as error:
                note = f"The app could not be reached ({type(error).__name__})."
            else:
                status = answer.status_code
                note = "Acknowledged." if answer.is_success else f"The app answered {status}."
        return Pressed(action_id, person.name, status, round(time.monotonic() - started, 3), note, started)

    def respond(self, key: str, body: object, hidden_seconds: float) -> None:
        """Carry out what an app posted to a response URL; raises SlackError as Slack would refuse it."""
        reply = self._replies.get(key)
        if reply is None or time.monotonic() > reply.expires:
            raise SlackError("expired_url")
        if reply.uses == 0:
            raise SlackError("used_url")
        if not isinstance(body, dict):
            raise SlackError("invalid_payload")
        text, blocks = body.get("text"), body.get("blocks")
        check_text(text)
        if blocks is not None:
            check_blocks(blocks)
        if body.get("delete_original"):
            self._workspace.delete(reply.message)
        elif not text and not blocks:
            raise SlackError("no_text")
        elif body.get("replace_original"):
            self._workspace.edit(reply.message, text=text, blocks=blocks)
        else:
            self._workspace.post(
                reply.channel,
                text=text or "",
                blocks=blocks or [],
                metadata=None,
                thread_ts=body.get("thread_ts"),
                only_for=None if body.get("response_type") == "in_channel" else reply.user_id,
                hidden_seconds=hidden_seconds,
            )
        reply.uses -= 1


def _element(message: Message, press: Press) -> tuple[dict[str, Any], dict[str, Any]]:
    for block in message.blocks:
        if press.block_id in (None, block["block_id"]):
            for element in (*block.get("elements", ()), block.get("accessory", {})):
                if element.get("action_id") == press.action_id:
                    return block, element
    raise SlackError("action_not_found")


def _action(block: dict[str, Any], element: dict[str, Any], value: str | None) -> dict[str, Any]:
    action = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": f"{time.time():.6f}",
    }
    if element["type"] == "button":
        return action | {name: element[name] for name in ("text", "value", "style") if name in element}
    if element["type"] == "users_select":
        return action | {"selected_user": value}
    if element["type"] == "datepicker":
        return action | {"selected_date": value}
    option = next((option for option in element["options"] if option["value"] == value), None)
    if option is None:
        raise SlackError("option_not_found")
    chosen = [option] if element["type"] == "checkboxes" else option
    return action | {"selected_options" if element["type"] == "checkboxes" else "selected_option": chosen}


def routes(interactivity: Interactivity, front: Front) -> APIRouter:
    """Serve `/slack/response/...` for the app, and `/press` for the page and tests (the person's side)."""
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

    @router.post("/press")
    async def press(order: Press) -> Response:
        try:
            pressed = await interactivity.press(order)
        except SlackError as error:
            return JSONResponse({"detail": f"There is nothing to press: {error.error}."}, 404)
        return JSONResponse(
            {
                "action_id": pressed.action_id,
                "user": pressed.user,
                "status": pressed.status,
                "seconds": pressed.seconds,
                "note": pressed.note,
            }
        )

    return router
