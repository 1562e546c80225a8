"""What somebody does in Slack: presses a button, fills in a form, opens the app's home tab.

`response_url` (five uses in 30 minutes) after docs.slack.dev/interactivity/handling-user-interaction, what an
app may answer to a form after docs.slack.dev/surfaces/modals.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from sandbox import slack_payloads
from sandbox.slack_callbacks import Acknowledged, Callbacks
from sandbox.slack_checks import SlackError, check_blocks, check_text
from sandbox.slack_views import View
from sandbox.slack_workspace import Channel, Message, Person, Workspace

_RESPONSE_URL_USES = 5
_RESPONSE_URL_SECONDS = 30 * 60
_KEPT = 1000
_TROUBLE = "We had some trouble connecting. Try again?"


class Press(BaseModel):
    """A person presses a button, or picks `value` in a menu, of a message or of a view."""

    model_config = ConfigDict(extra="forbid")

    channel: str | None = None
    ts: str | None = None
    view_id: str | None = None
    action_id: str
    block_id: str | None = None
    user: str | None = None
    value: str | None = None


class Submission(BaseModel):
    """A person fills in the modal in front of them and submits it; `values` by block."""

    model_config = ConfigDict(extra="forbid")

    user: str | None = None
    values: dict[str, str | list[str]] = {}


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


class Interactivity:
    """Acts in people's names and serves the response URLs that follow."""

    def __init__(self, workspace: Workspace, callbacks: Callbacks, *, public_url: str) -> None:
        self.latest: OrderedDict[tuple[str, str], Pressed] = OrderedDict()
        self._workspace = workspace
        self._callbacks = callbacks
        self._public_url = public_url
        self._replies: OrderedDict[str, _Reply] = OrderedDict()

    @property
    def is_on(self) -> bool:
        """Whether a press reaches anybody."""
        return self._callbacks.is_on

    async def press(self, press: Press) -> Pressed:
        """Send the callback of one press; raises SlackError if there is nothing to press."""
        person = self.person(press.user)
        trigger_id = self._workspace.views.trigger(person.user_id)
        if press.view_id is not None:
            view = self._workspace.views.of(press.view_id)
            block, element = _element(view.content["blocks"], press)
            action = slack_payloads.action(block, element, press.value)
            payload = slack_payloads.view_press(view, person, action, trigger_id=trigger_id)
            place = ("view", view.view_id)
        else:
            channel = self._workspace.channel(press.channel)
            message = self._workspace.message(channel, press.ts)
            block, element = _element(message.blocks, press)
            payload = slack_payloads.message_press(
                channel,
                message,
                person,
                slack_payloads.action(block, element, press.value),
                trigger_id=trigger_id,
                response_url=self._response_url(channel, message, person),
            )
            place = (channel.channel_id, message.ts)
        pressed = _pressed(press.action_id, person, await self._callbacks.interaction(payload))
        self.latest[place] = pressed
        while len(self.latest) > _KEPT:
            self.latest.popitem(last=False)
        return pressed

    async def submit(self, submission: Submission) -> Pressed:
        """Send the modal in front of a person, and do what the app answers; SlackError if none is open."""
        person = self.person(submission.user)
        views = self._workspace.views
        view = views.shown(person.user_id)
        if view is None:
            raise SlackError("view_not_found")
        callback_id = str(view.content.get("callback_id") or view.view_id)
        values, missing = _filled(view, submission.values)
        view.errors = missing
        if missing:  # Slack's own client does not let these go
            return Pressed(callback_id, person.name, None, 0.0, "Not everything is filled in.", 0.0)
        payload = slack_payloads.submission(view, person, values, trigger_id=views.trigger(person.user_id))
        acknowledged = await self._callbacks.interaction(payload)
        if acknowledged.is_ok:
            self._follow(view, acknowledged.body)
        else:
            view.errors = {"": _TROUBLE}
        return _pressed(callback_id, person, acknowledged)

    async def open_home(self, user_id: str | None) -> Pressed:
        """Tell the app that somebody opened its home tab."""
        person = self.person(user_id)
        event = slack_payloads.home_opened(person, self._workspace.direct(person.user_id))
        return _pressed("app_home_opened", person, await self._callbacks.event(event))

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

    def person(self, user_id: str | None) -> Person:
        """Find who acts; the first of the workspace where nobody is named."""
        if user_id is None:
            return next(iter(self._workspace.people.values()))
        try:
            return self._workspace.people[user_id]
        except KeyError:
            raise SlackError("user_not_found") from None

    def _follow(self, view: View, answer: Mapping[str, Any]) -> None:
        """Do what an app answered to a form; raises SlackError where Slack would show an error instead."""
        views = self._workspace.views
        match answer.get("response_action"):
            case None:
                views.close(view.user_id)
            case "clear":
                views.clear(view.user_id)
            case "update":
                views.change(view, answer.get("view"))
            case "push":
                views.lay(view.user_id, answer.get("view"))
            case "errors":
                blocks = {block["block_id"] for block in view.content["blocks"] if block["type"] == "input"}
                if not answer.get("errors") or set(answer["errors"]) - blocks:
                    raise SlackError("invalid_errors")
                view.errors = dict(answer["errors"])
            case _:
                raise SlackError("invalid_response_action")

    def _response_url(self, channel: Channel, message: Message, person: Person) -> str:
        key = secrets.token_hex(16)
        expires = time.monotonic() + _RESPONSE_URL_SECONDS
        self._replies[key] = _Reply(channel, message, person.user_id, _RESPONSE_URL_USES, expires)
        while len(self._replies) > _KEPT:
            self._replies.popitem(last=False)
        return f"{self._public_url}/slack/response/{key}"


def _pressed(action_id: str, person: Person, acknowledged: Acknowledged) -> Pressed:
    return Pressed(
        action_id,
        person.name,
        acknowledged.status,
        acknowledged.seconds,
        acknowledged.note,
        time.monotonic(),
    )


def _element(blocks: Iterable[dict[str, Any]], press: Press) -> tuple[dict[str, Any], dict[str, Any]]:
    for block in blocks:
        if press.block_id in (None, block["block_id"]):
            for element in (*block.get("elements", ()), block.get("accessory", {})):
                if element.get("action_id") == press.action_id:
                    return block, element
    raise SlackError("action_not_found")


def _filled(
    view: View, given: Mapping[str, str | list[str]]
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Put what was filled in into Slack's shape, and say of each field what its client would not let go."""
    values: dict[str, dict[str, Any]] = {}
    missing: dict[str, str] = {}
    for block in view.content["blocks"]:
        if block["type"] != "input":
            continue
        element, filled = block["element"], given.get(block["block_id"], [])
        texts = [text for text in ([filled] if isinstance(filled, str) else filled) if text]
        if not texts and not block.get("optional"):
            missing[block["block_id"]] = "Please complete this required field."
        if texts and element["type"] == "plain_text_input":
            longest = element.get("max_length", 3000)
            if len(texts[0]) > longest:
                missing[block["block_id"]] = f"Enter at most {longest} characters."
        values[block["block_id"]] = {
            element["action_id"]: {"type": element["type"], **slack_payloads.chosen(element, texts)}
        }
    return values, missing
