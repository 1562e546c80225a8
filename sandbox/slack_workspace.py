"""The Slack double's memory: channels, people, messages, views, and the limits on calls."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from pydantic_core import from_json, to_json

from sandbox.rates import Factor, TokenBucket
from sandbox.slack_checks import SlackError
from sandbox.slack_ids import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID, slack_id, with_ids
from sandbox.slack_views import Views

# docs.slack.dev/apis/web-api/rate-limits: per minute and method, allowing the minute's share at once.
_PER_MINUTE = {
    "chat.update": 50,
    "chat.delete": 50,
    "conversations.history": 50,
    "conversations.replies": 50,
    "users.lookupByEmail": 50,
    "conversations.list": 20,
    "conversations.open": 50,
    "users.info": 100,
    "chat.postEphemeral": 100,
    "views.open": 100,
    "views.push": 100,
    "views.update": 100,
    "views.publish": 100,
    "apps.connections.open": 1,
}
_POSTS_BURST = 3  # "short bursts are tolerated" above one message a second and channel
_WORKSPACE_POSTS_PER_MINUTE = 300


@dataclass(slots=True)
class Message:
    """One message as it stands now. Its blocks are kept packed: parsed, they weigh ten times more."""

    ts: str
    text: str
    blocks_json: bytes
    metadata: dict[str, Any] | None
    thread_ts: str | None
    posted_at: datetime
    visible_from: float
    user: str = BOT_USER_ID
    only_for: str | None = None
    edits: int = 0
    edited_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """The message's blocks, parsed anew at each call."""
        parsed: list[dict[str, Any]] = from_json(self.blocks_json)
        return parsed

    def shown(self, now: float) -> bool:
        """Whether reads see it at `now` (monotonic seconds)."""
        return self.deleted_at is None and self.only_for is None and self.visible_from <= now

    def as_slack(self, *, with_metadata: bool) -> dict[str, Any]:
        """The message object of Slack's API."""
        message: dict[str, Any] = {
            "type": "message",
            "subtype": "bot_message",
            "ts": self.ts,
            "text": self.text,
            "user": self.user,
            "bot_id": BOT_ID,
            "app_id": APP_ID,
            "team": TEAM_ID,
            "blocks": self.blocks,
        }
        if self.thread_ts is not None:
            message["thread_ts"] = self.thread_ts
        if self.edited_at is not None:
            message["edited"] = {"user": self.user, "ts": f"{self.edited_at.timestamp():.6f}"}
        if with_metadata and self.metadata is not None:
            message["metadata"] = self.metadata
        return message


@dataclass(slots=True)
class Channel:
    """A channel the bot is in, or its direct messages with a person; messages oldest first."""

    channel_id: str
    name: str
    with_user: str | None = None
    """Whose direct messages with the bot these are."""
    messages: dict[str, Message] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who works in the workspace."""

    user_id: str
    email: str
    name: str

    @classmethod
    def of(cls, email: str) -> "Person":
        """Name a person after the local part of the address."""
        words = email.partition("@")[0].replace("_", ".").split(".")
        return cls(slack_id("U", email), email, " ".join(word.capitalize() for word in words))


class Workspace:
    """Everything the double remembers. Used from one event loop, so nothing is locked."""

    def __init__(self, channels: Sequence[str], people: Sequence[str], *, keep: int, factor: Factor) -> None:
        self.channels = {
            (channel := Channel(slack_id("C", name), name)).channel_id: channel for name in channels
        }
        self.people = {person.user_id: person for person in map(Person.of, people)}
        self.views = Views()
        self._keep = keep
        self._factor = factor
        self._ticks = count(1)
        self._methods = {
            method: TokenBucket(number / 60, number, factor) for method, number in _PER_MINUTE.items()
        }
        self._posts = TokenBucket(_WORKSPACE_POSTS_PER_MINUTE / 60, _WORKSPACE_POSTS_PER_MINUTE, factor)
        self._channel_posts: dict[str, TokenBucket] = {}

    def wait_seconds(self, method: str, channel_id: str | None = None) -> int:
        """Take a place for one call; else say how long to wait (seconds, at least 1)."""
        now = time.monotonic()
        if method == "chat.postMessage":
            if channel_id is None:
                return 0
            bucket = self._channel_posts.setdefault(channel_id, TokenBucket(1, _POSTS_BURST, self._factor))
            return bucket.take(now) or self._posts.take(now)
        of_method = self._methods.get(method)
        return of_method.take(now) if of_method is not None else 0

    def channel(self, channel_id: object) -> Channel:
        """Find a channel by id, as every method but `chat.postMessage` asks for it."""
        channel = self.channels.get(channel_id) if isinstance(channel_id, str) else None
        if channel is None:
            raise SlackError("channel_not_found")
        return channel

    def channel_to_post(self, id_or_name: object) -> Channel:
        """Find a channel by id, `name` or `#name`; a person's id stands for the direct messages with them."""
        if isinstance(id_or_name, str):
            if id_or_name in self.people:
                return self.direct(id_or_name)
            name = id_or_name.removeprefix("#")
            for channel in self.channels.values():
                if channel.name == name:
                    return channel
        return self.channel(id_or_name)

    def direct(self, user_id: object) -> Channel:
        """Find the direct messages with a person, or begin them."""
        person = self.people.get(user_id) if isinstance(user_id, str) else None
        if person is None:
            raise SlackError("user_not_found")
        channel_id = slack_id("D", person.email)
        return self.channels.setdefault(
            channel_id, Channel(channel_id, f"@{person.name}", with_user=person.user_id)
        )

    def post(
        self,
        channel: Channel,
        *,
        text: str,
        blocks: Sequence[dict[str, Any]],
        metadata: dict[str, Any] | None,
        thread_ts: str | None = None,
        only_for: str | None = None,
        hidden_seconds: float = 0.0,
    ) -> Message:
        """Add a message; history shows it after `hidden_seconds`. In a full channel the oldest gives way."""
        now = datetime.now(UTC)
        tick = next(self._ticks)
        message = Message(
            ts=f"{int(now.timestamp())}.{tick % 1_000_000:06d}",
            text=text,
            blocks_json=to_json(with_ids(blocks)),
            metadata=metadata,
            thread_ts=thread_ts,
            posted_at=now,
            visible_from=time.monotonic() + hidden_seconds,
            only_for=only_for,
        )
        channel.messages[message.ts] = message
        while len(channel.messages) > self._keep:
            del channel.messages[next(iter(channel.messages))]
        return message

    def message(self, channel: Channel, ts: object) -> Message:
        """Find a message that can still be changed."""
        message = channel.messages.get(ts) if isinstance(ts, str) else None
        if message is None or message.deleted_at is not None:
            raise SlackError("message_not_found")
        return message

    def edit(
        self,
        message: Message,
        *,
        text: str | None,
        blocks: Sequence[dict[str, Any]] | None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Change a message. Text without blocks removes the blocks; metadata not given stays."""
        if text is not None:
            message.text = text
            message.blocks_json = b"[]"
        if blocks is not None:
            message.blocks_json = to_json(with_ids(blocks))
        if metadata is not None:
            message.metadata = metadata or None
        message.edits += 1
        message.edited_at = datetime.now(UTC)

    def delete(self, message: Message) -> None:
        """Take a message away; the record of it stays for the page."""
        message.deleted_at = datetime.now(UTC)

    def history(self, channel: Channel) -> Iterator[Message]:
        """What the API shows now, newest first: nothing deleted, hidden or ephemeral, no thread replies."""
        now = time.monotonic()
        return (
            message
            for message in reversed(channel.messages.values())
            if message.shown(now) and message.thread_ts in (None, message.ts)
        )

    def thread(self, channel: Channel, ts: str) -> Iterator[Message]:
        """What the API shows now of a thread: the message it hangs on, then the replies, oldest first."""
        now = time.monotonic()
        return (
            message
            for message in channel.messages.values()
            if message.shown(now) and ts in (message.ts, message.thread_ts)
        )

    def person_by_email(self, email: object) -> Person:
        """Find someone by address, whatever its case."""
        for person in self.people.values():
            if isinstance(email, str) and person.email == email.lower():
                return person
        raise SlackError("users_not_found")

    def clear(self) -> None:
        """Forget all messages and views; channels and people stay."""
        self.channels = {name: one for name, one in self.channels.items() if one.with_user is None}
        for channel in self.channels.values():
            channel.messages.clear()
        self.views.forget()
