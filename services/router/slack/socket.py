"""Socket Mode: the same callbacks over a connection that we open, for a workspace that cannot reach us.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import threading

import structlog
from pydantic import SecretStr
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from services.router.slack import requests
from services.router.slack.http import Handle, handled

CALL_SECONDS = 10
AGAIN_SECONDS = 10.0
PING_SECONDS = 5.0
_PARSERS = {"interactive": requests.interaction, "events_api": requests.event}

log = structlog.get_logger(__name__)


class Socket:
    """The worker that keeps the connection open. Several replicas may each have one: Slack asks any."""

    def __init__(self, *, app_token: SecretStr, base_url: str, handle: Handle) -> None:
        self._app_token = app_token
        self._base_url = base_url
        self._handle = handle

    def run(self, stop: threading.Event) -> None:
        """Serves until `stop`; while Slack cannot be reached it tries again every few seconds."""
        client = SocketModeClient(
            app_token=self._app_token.get_secret_value(),
            web_client=WebClient(base_url=self._base_url, timeout=CALL_SECONDS, retry_handlers=[]),
            ping_interval=PING_SECONDS,
        )
        client.socket_mode_request_listeners.append(self._listen)
        try:
            while not stop.is_set():
                if not client.is_connected():
                    self._connect(client)
                stop.wait(AGAIN_SECONDS if not client.is_connected() else PING_SECONDS)
        finally:
            client.close()

    def _connect(self, client: SocketModeClient) -> None:
        try:
            client.connect_to_new_endpoint()
        except (SlackApiError, OSError) as error:
            log.warning("socket mode waits", error=type(error).__name__)

    def _listen(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        parse = _PARSERS.get(request.type)
        done = handled(request.payload, parse, self._handle) if parse else None
        answer = dict(done.answer) if done and done.answer else None
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer))
        if done and done.after:
            done.after()
