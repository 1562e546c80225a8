"""Slack: an answer as a card in a channel, edited in place when the answer changes.

`chat.postMessage` knows no idempotency key, so the effect's id travels in the message's metadata and is
looked for in the channel's history after a call whose answer was lost. Metadata is readable by every app of
the workspace: it holds that id and a version, nothing about a person.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from string import Formatter
from threading import Lock
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, JsonValue, SecretStr
from pydantic_settings import SettingsConfigDict
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from runtime.settings import EnvironmentSettings
from services.router import slack_card
from services.router.deadline import remaining, within
from services.router.destination import (
    Absent,
    AfterAmbiguity,
    Call,
    Delivered,
    Found,
    Limits,
    Operation,
    Plugin,
    Result,
    Retry,
    Sighting,
    Traits,
)
from services.router.facts import Facts
from services.router.slack_errors import cause_of, code_of, lost, retry_after, verdict
from services.router.templates import Templates

EVENT_TYPE = "feedback_effect"

_GONE = frozenset({"message_not_found"})
_SCAN_SECONDS = 5.0
HISTORY_PAGE = 999
"""Messages asked for at once: the most Slack gives."""
_CHANNEL_PAGE = 1000


def _link_fields(template: str) -> str:
    unknown = {name for _, name, _, _ in Formatter().parse(template) if name is not None} - set(_LINK_FACTS)
    if unknown:
        raise ValueError(f"unknown {{{', '.join(sorted(unknown))}}}: a link may use {', '.join(_LINK_FACTS)}")
    if not template.startswith(("https://", "http://")):
        raise ValueError("a link starts with https://")
    return template


_LINK_FACTS: Mapping[str, Callable[[Facts], str | None]] = {
    "response_id": lambda facts: str(facts.response.id) if facts.response else None,
    "customer_id": lambda facts: facts.profile.customer_id,
    "account_id": lambda facts: facts.account.id if facts.account else None,
    "salesforce_id": lambda facts: facts.account.salesforce_id if facts.account else None,
}


class LinkAction(BaseModel):
    """A button of the card that opens a page; left out where a fact its address needs is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(min_length=1, max_length=75)
    url: Annotated[str, AfterValidator(_link_fields)] = Field(max_length=500)
    """With `{response_id}`, `{customer_id}`, `{account_id}` or `{salesforce_id}` in it."""


class Action(BaseModel):
    """A Slack action in rules.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: str = Field(pattern=r"^#?[\w.-]{1,80}$")
    """Name or id of a channel the app was invited to."""
    links: tuple[LinkAction, ...] = Field(default=(), max_length=slack_card.MAX_LINKS)


class Content(BaseModel):
    """A message."""

    model_config = ConfigDict(frozen=True)

    channel: str
    text: str
    blocks: list[JsonValue]


class Settings(EnvironmentSettings):
    """How Slack is reached."""

    model_config = SettingsConfigDict(env_prefix="SLACK_")

    bot_token: SecretStr | None = None
    """Bot token (xoxb-...) of the Slack app; unset: Slack is off."""
    base_url: HttpUrl = HttpUrl("https://slack.com/api/")
    """Where Slack's Web API answers."""
    calls_per_second: float = Field(1.0, gt=0)
    """Messages a second in one channel; Slack takes one."""
    parallel_calls: int = Field(4, ge=1, le=64)
    """Calls to Slack in flight at once."""
    deadline_seconds: float = Field(10.0, ge=1, le=60)
    """Hard limit of one call to Slack."""
    history_hours: float = Field(72.0, gt=0)
    """How far back a message whose answer was lost is looked for in its channel."""


@dataclass(frozen=True, slots=True)
class _Scan:
    """What a channel's history showed at a moment: the messages of each effect, oldest first."""

    at: float
    messages: Mapping[str, tuple[str, ...]]


class Slack:
    """A connected workspace."""

    def __init__(self, settings: Settings, token: SecretStr) -> None:
        self.limits = Limits(
            calls_per_second=settings.calls_per_second,
            parallel_calls=settings.parallel_calls,
            deadline_seconds=settings.deadline_seconds,
        )
        self._token = token
        self._base_url = str(settings.base_url)
        self._history_seconds = settings.history_hours * 3600
        self._lock = Lock()
        self._channel_ids: dict[str, str] = {}
        self._scans: dict[str, _Scan] = {}

    def deliver(self, call: Call) -> Result:
        """Post the card, edit it, or edit it to say that it was withdrawn."""
        try:
            return within(call.deadline_seconds, lambda: self._deliver(call))
        except SlackApiError as error:
            if call.operation is Operation.RETRACT and code_of(error.response) in _GONE:
                return Delivered(call.external_id)
            return verdict(error.response)
        except (OSError, HTTPException) as error:
            return lost(error)

    def reconcile(self, call: Call) -> Sighting:
        """Look for the effect's message in its channel; of several the first stays, the rest is deleted."""
        content = Content.model_validate(call.content)
        try:
            return within(call.deadline_seconds, lambda: self._look_for(str(call.effect_id), content.channel))
        except SlackApiError as error:
            return Retry(cause_of(error.response), retry_after(error.response))
        except (OSError, HTTPException) as error:
            return Retry(lost(error).cause)

    def close(self) -> None:
        """Nothing is held open between calls."""

    def _deliver(self, call: Call) -> Result:
        content = Content.model_validate(call.content)
        metadata = {
            "event_type": EVENT_TYPE,
            "event_payload": {"effect_id": str(call.effect_id), "version": call.version},
        }
        text, blocks = content.text, content.blocks
        if call.operation is Operation.RETRACT:
            if call.external_id is None:
                return Delivered()
            text, blocks = slack_card.withdrawn("this answer does not count any more.")
        if call.external_id is None:
            posted = self._client().chat_postMessage(
                channel=content.channel,
                text=text,
                blocks=blocks,  # type: ignore[arg-type]  # plain JSON, which the client passes on as it is
                metadata=metadata,
                mrkdwn=False,
                link_names=False,
                unfurl_links=False,
                unfurl_media=False,
            )
            return Delivered(f"{posted['channel']}/{posted['ts']}")
        channel, _, ts = call.external_id.partition("/")
        self._client().chat_update(
            channel=channel,
            ts=ts,
            text=text,
            blocks=blocks,  # type: ignore[arg-type]  # plain JSON, which the client passes on as it is
            metadata=metadata,
            link_names=False,
        )
        return Delivered(call.external_id)

    def _look_for(self, effect_id: str, name: str) -> Sighting:
        channel = self._channel_id(name)
        if channel is None:
            return Absent()
        with self._lock:  # one scan serves all that are waiting for it
            scan = self._scans.get(channel)
            if scan is None or scan.at < time.monotonic() - _SCAN_SECONDS:
                scan = self._scans[channel] = self._scan(channel)
        messages = scan.messages.get(effect_id, ())
        if not messages:
            return Absent()
        for repeated in messages[1:]:
            self._delete(channel, repeated)
        return Found(f"{channel}/{messages[0]}")

    def _scan(self, channel: str) -> _Scan:
        started = time.monotonic()
        oldest = f"{time.time() - self._history_seconds:.6f}"
        messages: dict[str, tuple[str, ...]] = {}
        cursor: str | None = None
        while True:
            page = self._client().conversations_history(
                channel=channel, oldest=oldest, limit=HISTORY_PAGE, cursor=cursor, include_all_metadata=True
            )
            for message in page["messages"]:  # newest first
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == EVENT_TYPE:
                    effect_id = metadata["event_payload"]["effect_id"]
                    messages[effect_id] = (message["ts"], *messages.get(effect_id, ()))
            cursor = _next(page)
            if cursor is None:
                return _Scan(started, messages)

    def _delete(self, channel: str, ts: str) -> None:
        try:
            self._client().chat_delete(channel=channel, ts=ts)
        except SlackApiError as error:
            if code_of(error.response) not in _GONE:
                raise

    def _channel_id(self, name: str) -> str | None:
        """Only posting takes a channel's name; every other method wants its id. None: no such channel."""
        name = name.removeprefix("#")
        if name not in self._channel_ids:
            cursor: str | None = None
            while True:
                page = self._client().conversations_list(
                    types="public_channel,private_channel", limit=_CHANNEL_PAGE, cursor=cursor
                )
                for channel in page["channels"]:
                    self._channel_ids[channel["name"]] = self._channel_ids[channel["id"]] = channel["id"]
                cursor = _next(page)
                if cursor is None:
                    break
        return self._channel_ids.get(name)

    def _client(self) -> WebClient:
        return WebClient(
            token=self._token.get_secret_value(),
            base_url=self._base_url,
            timeout=remaining(),  # type: ignore[arg-type]  # declared int, handed to a socket, which takes a float
            retry_handlers=[],  # the default ones post again after a lost answer
        )


def _next(page: SlackResponse) -> str | None:
    metadata: Mapping[str, str] = page.get("response_metadata") or {}
    return metadata.get("next_cursor") or None


def render(action: Action, facts: Facts, _templates: Templates) -> Content | None:
    """The card of an answer; a survey request has none."""
    response = facts.response
    if response is None:
        return None
    links = [slack_card.Link(link.text, url) for link in action.links if (url := _fill(link.url, facts))]
    return Content(
        channel=action.channel,
        text=slack_card.fallback_text(facts, response),
        blocks=slack_card.card(facts, response, links),
    )


def _fill(template: str, facts: Facts) -> str | None:
    values = {}
    for _, name, _, _ in Formatter().parse(template):
        if name is not None:
            value = _LINK_FACTS[name](facts)
            if value is None:
                return None
            values[name] = quote(value, safe="")
    return template.format_map(values)


def connect(settings: Settings) -> Slack | str:
    """The workspace the bot token belongs to."""
    if settings.bot_token is None:
        return "SLACK_BOT_TOKEN is not set"
    return Slack(settings, settings.bot_token)


PLUGIN = Plugin(
    name="slack",
    traits=Traits(after_ambiguity=AfterAmbiguity.RECONCILE, updates=True, settle_seconds=10 + _SCAN_SECONDS),
    settings=Settings,
    action=Action,
    content=Content,
    render=render,
    connect=connect,
    order_key=lambda _content, facts: facts.profile.key,
    rate_key=lambda content: content.channel.removeprefix("#"),
    audience=lambda content: (content.channel.removeprefix("#"),),
)
