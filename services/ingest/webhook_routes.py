"""`POST /v1/webhooks/{source}`: proved, appended to `ingest.raw.v1` with acks=all, answered; mapped later."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.routing import BaseRoute

from runtime.clock import Clock
from runtime.cloudevents import to_message
from runtime.tracing import child_of
from schemas.event import NAMESPACE, derived_id
from schemas.raw import WebhookReceived
from services.ingest import metrics, problems
from services.ingest.acceptance import SOURCE
from services.ingest.api import DirectRoute, Publishes, checked_body, json_response
from services.ingest.openapi import described_webhook
from services.ingest.signatures import TOKEN_HEADER
from services.ingest.sources import Configured
from services.ingest.vendor import Call, Unreadable

LIMIT_BYTES = 512 * 1024
"""In base64 it still fits into one message."""
_KEPT_HEADERS = ("content-type", "webhook-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """What the webhooks stand on."""

    sources: Mapping[str, Configured]
    publisher: Publishes
    clock: Clock


def webhook_routes(webhooks: Webhooks, prefix: str = "") -> list[BaseRoute]:
    """The routes under `/v1/webhooks`, which itself is under `prefix`."""
    routes = APIRouter(prefix=prefix, route_class=DirectRoute)

    @routes.post("/v1/webhooks/{source}", **described_webhook())
    async def receive(request: Request) -> Response:
        configured = _configured(webhooks, request)
        body = await checked_body(request, LIMIT_BYTES)
        call = Call(call_headers(request), body)
        if not configured.is_from_vendor(call):
            metrics.WEBHOOKS_REFUSED.labels(configured.name).inc()
            raise problems.unproved_webhook()
        raw = WebhookReceived(
            raw_id=raw_id(configured, call),
            source=configured.name,
            headers={name: call.headers[name] for name in _KEPT_HEADERS if name in call.headers},
            body=b64encode(call.body),
            received_at=webhooks.clock.now(),
        )
        traceparent = child_of(request.headers.get("traceparent"))
        await webhooks.publisher.publish(to_message(raw, source=SOURCE, traceparent=traceparent))
        metrics.WEBHOOKS_RECEIVED.labels(configured.name).inc()
        return json_response(200, f'{{"received":"{raw.raw_id}"}}')

    @routes.head("/v1/webhooks/{source}", include_in_schema=False)
    async def is_there(request: Request) -> Response:
        _configured(webhooks, request)
        return Response()

    return routes.routes


def raw_id(configured: Configured, call: Call) -> UUID:
    """The same for the same event of the vendor's or, where it names none, for the same body."""
    try:
        event_id = configured.vendor.event_id(call, configured.source)
    except Unreadable:
        event_id = None
    name = ("event", event_id) if event_id else ("body", sha256(call.body).hexdigest())
    return derived_id(NAMESPACE, "webhook", configured.name, *name)


def _configured(webhooks: Webhooks, request: Request) -> Configured:
    configured = webhooks.sources.get(request.path_params["source"])
    if configured is None:
        raise problems.unknown_source()
    if not configured.secrets:
        raise problems.source_without_secret()
    return configured


def call_headers(request: Request) -> dict[str, str]:
    """The headers; a token in the address stands where the header of a token would."""
    headers = dict(request.headers)
    token = request.query_params.get("token")
    return headers | {TOKEN_HEADER: token} if token else headers
