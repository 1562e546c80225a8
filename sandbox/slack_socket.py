"""Socket Mode of the Slack double: callbacks over a WebSocket that the app opens, acknowledged on it.

After docs.slack.dev/apis/events-api/using-socket-mode: each connection takes an `apps.connections.open`.
"""

import asyncio
import json
import secrets
import time
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic_core import to_json

from sandbox.slack_ids import APP_ID
from sandbox.websocket import WebSocket

_PATH = "/slack/socket"
_TICKET_SECONDS = 30.0


class Sockets:
    """The app's open connections."""

    def __init__(self, public_url: str) -> None:
        self._url = f"ws{public_url.removeprefix('http')}{_PATH}"
        self._tickets: dict[str, float] = {}
        self._connections: list[WebSocket] = []
        self._waiting: dict[str, asyncio.Future[dict[str, Any] | None]] = {}
        self._turns = count()
        self.opened_so_far = 0

    @property
    def is_connected(self) -> bool:
        """Whether the app listens."""
        return bool(self._connections)

    @property
    def connected(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def ticket(self) -> str:
        """Make the address of one new connection."""
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = time.monotonic() + _TICKET_SECONDS
        return f"{self._url}?ticket={ticket}&app_id={APP_ID}"

    def admits(self, path: str) -> bool:
        """Take a ticket, once."""
        address = urlsplit(path)
        (ticket,) = parse_qs(address.query).get("ticket", [""])
        return address.path == _PATH and self._tickets.pop(ticket, 0.0) > time.monotonic()

    def opened(self, connection: WebSocket) -> None:
        """Greet the app."""
        self._connections.append(connection)
        self.opened_so_far += 1
        hello = {
            "type": "hello",
            "num_connections": len(self._connections),
            "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18_060},
        }
        connection.send(json.dumps(hello))

    def closed(self, connection: WebSocket) -> None:
        """Forget the connection."""
        self._connections.remove(connection)

    def received(self, connection: WebSocket, text: str) -> None:  # noqa: ARG002 - any connection may acknowledge
        """Take an acknowledgement."""
        answer = json.loads(text)
        waiting = self._waiting.pop(str(answer.get("envelope_id")), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer.get("payload"))

    async def send(self, kind: str, payload: dict[str, Any], timeout_seconds: float) -> dict[str, Any] | None:
        """Send one callback; its acknowledgement's payload. Raises TimeoutError."""
        envelope_id = secrets.token_hex(16)
        envelope = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind == "interactive",
        }
        waiting = self._waiting[envelope_id] = asyncio.get_running_loop().create_future()
        self._connections[next(self._turns) % len(self._connections)].send(to_json(envelope).decode())
        try:
            return await asyncio.wait_for(waiting, timeout_seconds)
        finally:
            self._waiting.pop(envelope_id, None)

    def disconnect(self) -> None:
        """Ask the app to connect anew, as Slack does every few hours."""
        for connection in self._connections:
            connection.send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))

    def close(self) -> None:
        """Hang up."""
        for connection in list(self._connections):
            connection.close()
