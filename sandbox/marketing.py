"""The marketing platform: takes signed webhooks (Standard Webhooks 1.0.0), knows a repeated one by its id."""

import json
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.faults import Double
from sandbox.server import Front, refused


@dataclass(slots=True)
class Event:
    """One event, however often it was sent."""

    webhook_id: str
    body: Any
    received_at: datetime
    visible_from: float
    deliveries: int = 1


class Marketing:
    """The events taken, oldest first."""

    def __init__(self, *, secret: str, keep: int) -> None:
        self._verifier = Webhook(secret) if secret else None
        self._keep = keep
        self.events: OrderedDict[str, Event] = OrderedDict()

    @property
    def configured(self) -> bool:
        """Whether there is a secret to verify signatures with."""
        return self._verifier is not None

    def take(self, headers: dict[str, str], body: bytes, hidden_seconds: float) -> Response:
        """Verify and keep one webhook: 204 for a new one, 200 for one known by its id."""
        problem = self._refusal(headers, body)
        if problem is not None:
            return refused(Double.MARKETING, *problem)
        webhook_id = headers["webhook-id"]
        known = self.events.get(webhook_id)
        if known is not None:
            known.deliveries += 1
            return JSONResponse({"duplicate": True})
        self.events[webhook_id] = Event(
            webhook_id, json.loads(body), datetime.now(UTC), time.monotonic() + hidden_seconds
        )
        while len(self.events) > self._keep:
            self.events.popitem(last=False)
        return Response(status_code=204)

    def _refusal(self, headers: dict[str, str], body: bytes) -> tuple[int, str] | None:
        if self._verifier is None:
            return 401, "no_secret_configured"
        try:
            self._verifier.verify(body, headers, json_parse=False)
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


def routes(marketing: Marketing, front: Front) -> APIRouter:
    """Serve `POST /marketing/events`."""
    router = APIRouter()

    @router.post("/marketing/events")
    async def take(request: Request) -> Response:
        body = await request.body()
        headers = dict(request.headers)
        return await front.serve(
            request, Double.MARKETING, "events", lambda hidden: marketing.take(headers, body, hidden)
        )

    return router
