"""Looks for the effects' messages in a channel or a thread, by the id that travels in their metadata."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Lock

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

EVENT_TYPE = "feedback_effect"
SCAN_SECONDS = 5.0
"""What was read of a channel serves so long."""
PAGE = 999
"""Messages asked for at once: the most Slack gives."""
_CHANNEL_PAGE = 1000


@dataclass(frozen=True, slots=True)
class _Scan:
    """What a channel's history or a thread showed at a moment: the messages of each effect, oldest first."""

    at: float
    messages: Mapping[str, tuple[str, ...]]


class History:
    """What was posted. `connect` makes a client that keeps to the time left of the caller's deadline."""

    def __init__(self, connect: Callable[[], WebClient], *, seconds: float) -> None:
        self._connect = connect
        self._seconds = seconds
        self._lock = Lock()
        self._scans: dict[tuple[str, str], _Scan] = {}
        self._channel_ids: dict[str, str] = {}

    def messages(self, effect_id: str, channel: str, thread_ts: str = "") -> tuple[str, ...]:
        """Times of the effect's messages in a channel, or in one of its threads; oldest first."""
        place = channel, thread_ts
        with self._lock:  # one scan serves all that are waiting for it
            fresh = time.monotonic() - SCAN_SECONDS
            scan = self._scans.get(place)
            if scan is None or scan.at < fresh:
                self._scans = {key: one for key, one in self._scans.items() if one.at >= fresh}
                scan = self._scans[place] = self._scan(channel, thread_ts)
        return scan.messages.get(effect_id, ())

    def channel_id(self, name: str) -> str | None:
        """Only posting takes a channel's name; every other method wants its id. None: no such channel."""
        name = name.removeprefix("#")
        if name not in self._channel_ids:
            cursor: str | None = None
            while True:
                page = self._connect().conversations_list(
                    types="public_channel,private_channel", limit=_CHANNEL_PAGE, cursor=cursor
                )
                for channel in page["channels"]:
                    self._channel_ids[channel["name"]] = self._channel_ids[channel["id"]] = channel["id"]
                cursor = _next(page)
                if cursor is None:
                    break
        return self._channel_ids.get(name)

    def _scan(self, channel: str, thread_ts: str) -> _Scan:
        """Read a channel's messages or a thread's replies, which the channel's history leaves out."""
        started = time.monotonic()
        oldest = f"{time.time() - self._seconds:.6f}"
        messages: dict[str, tuple[str, ...]] = {}
        cursor: str | None = None
        while True:
            client = self._connect()
            history = client.conversations_history
            read = partial(client.conversations_replies, ts=thread_ts) if thread_ts else history
            page = read(channel=channel, oldest=oldest, limit=PAGE, cursor=cursor, include_all_metadata=True)
            for message in page["messages"]:
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == EVENT_TYPE:
                    effect_id = metadata["event_payload"]["effect_id"]
                    found = {message["ts"], *messages.get(effect_id, ())}
                    messages[effect_id] = tuple(sorted(found, key=float))
            cursor = _next(page)
            if cursor is None:
                return _Scan(started, messages)


def _next(page: SlackResponse) -> str | None:
    metadata: Mapping[str, str] = page.get("response_metadata") or {}
    return metadata.get("next_cursor") or None
