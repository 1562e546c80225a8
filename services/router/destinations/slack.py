"""Slack: an answer as a card in a channel, edited in place when the answer changes.

`chat.postMessage` knows no idempotency key, so the effect's id travels in the message's metadata and is
looked for in the channel's history after a call whose answer was lost. Metadata is readable by every app of
the workspace: it holds that id and a version, nothing about a person.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from string import Formatter
from threading import Lock
from typing import Annotated, Any
from urllib.error import URLError
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
    Ambiguous,
    Call,
    Delivered,
    Failed,
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
from services.router.templates import Templates

EVENT_TYPE = "feedback_effect"

ERRORS: Mapping[str, type[Retry | Failed | Ambiguous]] = {
    "ratelimited": Retry,
    "rate_limited": Retry,
    "message_limit_exceeded": Retry,
    "service_unavailable": Retry,
    "team_added_to_org": Retry,
    "org_login_required": Retry,
    "request_timeout": Retry,
    # The whole workspace refuses us until somebody puts the token right: no single message is to blame.
    "not_authed": Retry,
    "invalid_auth": Retry,
    "account_inactive": Retry,
    "token_expired": Retry,
    "token_revoked": Retry,
    "missing_scope": Retry,
    "no_permission": Retry,
    "ekm_access_denied": Retry,
    "access_denied": Retry,
    # "It's possible some aspect of the operation succeeded before the error was raised."
    "fatal_error": Ambiguous,
    "internal_error": Ambiguous,
    "channel_not_found": Failed,
    "not_in_channel": Failed,
    "is_archived": Failed,
    "restricted_action": Failed,
    "restricted_action_read_only_channel": Failed,
    "restricted_action_thread_only_channel": Failed,
    "posting_to_general_channel_denied": Failed,
    "invalid_arguments": Failed,
    "invalid_blocks": Failed,
    "invalid_blocks_format": Failed,
    "invalid_metadata_format": Failed,
    "metadata_too_large": Failed,
    "msg_too_long": Failed,
    "msg_blocks_too_long": Failed,
    "no_text": Failed,
    "message_not_found": Failed,
    "cant_update_message": Failed,
    "cant_delete_message": Failed,
    "edit_window_closed": Failed,
}
"""What an `error` of Slack's API means; any other: Retry. Source: docs.slack.dev, errors of each method."""

STATUSES: Mapping[int, type[Retry | Failed | Ambiguous]] = {
    HTTPStatus.TOO_MANY_REQUESTS: Retry,
    HTTPStatus.INTERNAL_SERVER_ERROR: Ambiguous,
    HTTPStatus.BAD_GATEWAY: Ambiguous,
    HTTPStatus.SERVICE_UNAVAILABLE: Retry,
    HTTPStatus.GATEWAY_TIMEOUT: Ambiguous,
}
"""What an HTTP status other than 200 means, whatever its body says; any other from 500: Ambiguous."""

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
            if call.operation is Operation.RETRACT and _code(error.response) in _GONE:
                return Delivered(call.external_id)
            return verdict(error.response)
        except OSError as error:
            return _lost(error)

    def reconcile(self, call: Call) -> Sighting:
        """Look for the effect's message in its channel; of several the first stays, the rest is deleted."""
        content = Content.model_validate(call.content)
        try:
            return within(call.deadline_seconds, lambda: self._look_for(str(call.effect_id), content.channel))
        except SlackApiError as error:
            return Retry(_cause(error.response), _retry_after(error.response))
        except OSError as error:
            return Retry(_lost(error).cause)

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
            if _code(error.response) not in _GONE:
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


def _code(response: SlackResponse) -> str:
    data: Any = response.data
    return str(data.get("error", "unknown")) if isinstance(data, dict) else "unknown"


def _cause(response: SlackResponse) -> str:
    code = _code(response)
    if response.status_code != HTTPStatus.OK:
        return f"http_{response.status_code}"
    return code if code in ERRORS else "unknown_slack_error"


def _retry_after(response: SlackResponse) -> float | None:
    value = {name.lower(): value for name, value in response.headers.items()}.get("retry-after")
    return float(value) if value is not None and value.isdecimal() else None


def verdict(response: SlackResponse) -> Result:
    """What an answer other than "ok" means for the effect."""
    status, cause = response.status_code, _cause(response)
    if status == HTTPStatus.OK:
        meaning = ERRORS.get(_code(response), Retry)
    else:
        meaning = STATUSES.get(status, Ambiguous if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Failed)
    return Retry(cause, _retry_after(response)) if meaning is Retry else meaning(cause)


def _lost(error: OSError) -> Retry | Ambiguous:
    """A call that ended without an answer; only one that found nobody to talk to surely changed nothing."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ConnectionRefusedError):
        return Retry("connection_refused")
    return Ambiguous("timeout" if isinstance(reason, TimeoutError) else "connection_lost")


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
