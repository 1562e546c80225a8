"""Those that take signed webhooks (Standard Webhooks 1.0.0) and know a repeated one by its id.

The marketing platform, the customer-success platform that keeps the customers' health, and any number of
webhooks, each with a name in its address.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.faults import Double
from sandbox.server import Front, refused


@dataclass(slots=True)
class Event:
    """One event, however often it was sent. `name` is the webhook's in its address, empty for the others."""

    name: str
    webhook_id: str
    body: Any
    received_at: datetime
    visible_from: float
    deliveries: int = 1


class Receiver:
    """The events taken, oldest first."""

    def __init__(self, double: Double, *, secret: str, keep: int) -> None:
        self.double = double
        self._verifier = Webhook(secret) if secret else None
        self._keep = keep
        self._events: OrderedDict[tuple[str, str], Event] = OrderedDict()

    @property
    def events(self) -> list[Event]:
        """Oldest first."""
        return list(self._events.values())

    def clear(self) -> None:
        """Forget them."""
        self._events.clear()

    def take(self, name: str, headers: Mapping[str, str], body: bytes, hidden_seconds: float) -> Response:
        """Verify and keep one webhook: 204 for a new one, 200 for one known by its id."""
        problem = self._refusal(headers, body)
        if problem is not None:
            return refused(self.double, *problem)
        webhook_id = headers["webhook-id"]
        known = self._events.get((name, webhook_id))
        if known is not None:
            known.deliveries += 1
            return JSONResponse({"duplicate": True})
        self._events[name, webhook_id] = Event(
            name, webhook_id, json.loads(body), datetime.now(UTC), time.monotonic() + hidden_seconds
        )
        while len(self._events) > self._keep:
            self._events.popitem(last=False)
        return Response(status_code=204)

    def _refusal(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str] | None:
        if self._verifier is None:
            return 401, "no_secret_configured"
        try:
            self._verifier.verify(body, dict(headers), json_parse=False)
        except (
            WebhookVerificationError,
            ValueError,
        ):  # the library splits and decodes what it is sent unchecked
            return 401, "invalid_signature"
        try:
            json.loads(body)
        except ValueError:
            return 400, "body_is_not_json"
        return None


def routes(receiver: Receiver, front: Front) -> list[BaseRoute]:
    """Serve `POST /<receiver>/events` and `/<receiver>/events/<name>`."""

    async def take(request: Request) -> Response:
        body = await request.body()
        headers = dict(request.headers)
        name = request.path_params.get("name", "")
        return await front.serve(
            request,
            receiver.double,
            f"events.{name}" if name else "events",
            lambda hidden: receiver.take(name, headers, body, hidden),
        )

    path = f"/{receiver.double}/events"
    return [Route(path, take, methods=["POST"]), Route(f"{path}/{{name}}", take, methods=["POST"])]
