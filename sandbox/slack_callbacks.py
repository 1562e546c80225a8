"""How the Slack double reaches the app: signed HTTP, or the app's own WebSocket where it opened one.

Signature after docs.slack.dev/authentication/verifying-requests-from-slack; the app has 3 s to acknowledge.
"""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2
from pydantic_core import from_json

from sandbox.slack_socket import Sockets

ACKNOWLEDGE_SECONDS = 3.0
_AGENT = "Slackbot 1.0 (sandbox)"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """How the app took a callback: its HTTP status (None: unreachable or too late), what it said and when."""

    status: int | None
    body: dict[str, Any]
    seconds: float
    note: str

    @property
    def is_ok(self) -> bool:
        """Whether it was acknowledged."""
        return self.status is not None and self.status < httpx2.codes.MULTIPLE_CHOICES


def sign(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """Make the two headers by which the app knows that a callback is Slack's."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": f"v0={digest}"}


class Callbacks:
    """Sends interactions and events to the app."""

    def __init__(
        self, sockets: Sockets, *, interactivity_url: str, events_url: str, signing_secret: str
    ) -> None:
        self._sockets = sockets
        self._interactivity_url = interactivity_url
        self._events_url = events_url
        self._secret = signing_secret
        self._client = httpx2.AsyncClient(timeout=ACKNOWLEDGE_SECONDS, trust_env=False)

    @property
    def is_on(self) -> bool:
        """Whether there is an app to reach."""
        return self._sockets.is_connected or bool(self._interactivity_url)

    async def close(self) -> None:
        """Release the connections."""
        self._sockets.close()
        await self._client.aclose()

    async def interaction(self, payload: dict[str, Any]) -> Acknowledged:
        """Send a press or a submitted form."""
        if self._sockets.is_connected:
            return await self._over_socket("interactive", payload)
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return await self._over_http(
            self._interactivity_url, body, "application/x-www-form-urlencoded", "set INTERACTIVITY_URL"
        )

    async def event(self, payload: dict[str, Any]) -> Acknowledged:
        """Send an event of the Events API."""
        if self._sockets.is_connected:
            return await self._over_socket("events_api", payload)
        body = json.dumps(payload).encode()
        return await self._over_http(self._events_url, body, "application/json", "set EVENTS_URL")

    async def _over_socket(self, kind: str, payload: dict[str, Any]) -> Acknowledged:
        started = time.monotonic()
        try:
            answer = await self._sockets.send(kind, payload, ACKNOWLEDGE_SECONDS)
        except TimeoutError:
            return _ended(started, None, "The app did not acknowledge within 3 s.")
        return _ended(started, httpx2.codes.OK, "Acknowledged.", answer)

    async def _over_http(self, url: str, body: bytes, content_type: str, missing: str) -> Acknowledged:
        started = time.monotonic()
        if not url:
            return _ended(started, None, f"Nobody listens: {missing}.")
        if not self._secret:
            return _ended(started, None, "Nothing can be signed: set SLACK_SIGNING_SECRET.")
        headers = {"Content-Type": content_type, "User-Agent": _AGENT}
        signature = sign(self._secret, body, int(time.time()))
        try:
            answer = await self._client.post(url, content=body, headers=headers | signature)
        except httpx2.TimeoutException:
            return _ended(started, None, "The app did not acknowledge within 3 s.")
        except httpx2.HTTPError as error:
            return _ended(started, None, f"The app could not be reached ({type(error).__name__}).")
        note = "Acknowledged." if answer.is_success else f"The app answered {answer.status_code}."
        return _ended(started, answer.status_code, note, _json_or_none(answer.content))


def _ended(started: float, status: int | None, note: str, body: object = None) -> Acknowledged:
    seconds = round(time.monotonic() - started, 3)
    return Acknowledged(status, body if isinstance(body, dict) else {}, seconds, note)


def _json_or_none(body: bytes) -> object:
    try:
        return from_json(body)
    except ValueError:
        return None
