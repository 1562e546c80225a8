"""Where Slack's callbacks arrive: each request's signature is verified on the raw body before it is read.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import SecretStr
from slack_sdk.signature import SignatureVerifier
from starlette.background import BackgroundTask

from runtime.problems import Problem
from services.router import metrics
from services.router.slack import requests
from services.router.slack.desk import Handled

PREFIX = "/v1/slack"
INTERACTIONS = "/interactions"
EVENTS = "/events"

log = structlog.get_logger(__name__)

Handle = Callable[[requests.Request], Handled]
Parse = Callable[[Mapping[str, Any]], requests.Request | None]


def handled(payload: Mapping[str, Any], parse: Parse, handle: Handle) -> Handled:
    """Do what a verified payload asks for; one that we do not understand asks for nothing."""
    try:
        request = parse(payload)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        metrics.SLACK_REQUESTS.labels("not_understood").inc()
        log.warning("slack payload not understood", type=str(payload.get("type")), error=type(error).__name__)
        return Handled()
    return handle(request) if request else Handled()


def routes(handle: Handle, signing_secret: SecretStr | None) -> APIRouter:
    """`/v1/slack/interactions` and `/v1/slack/events`; without a signing secret both are closed."""
    router = APIRouter(prefix=PREFIX, include_in_schema=False)
    verifier = SignatureVerifier(signing_secret.get_secret_value()) if signing_secret else None

    async def verified(request: Request) -> bytes:
        if verifier is None:
            raise Problem(
                503, "SLACK_SIGNING_SECRET is not set: nothing that comes in can be told to be Slack's."
            )
        body = await request.body()
        if not verifier.is_valid_request(body, dict(request.headers)):
            metrics.SLACK_REQUESTS.labels("bad_signature").inc()
            raise Problem(401, "The signature is not Slack's, or older than five minutes.")
        return body

    @router.post(INTERACTIONS)
    async def interactions(request: Request) -> Response:
        body = await verified(request)
        (form,) = parse_qs(body.decode()).get("payload", ["{}"])
        return _acknowledged(await run_in_threadpool(handled, json.loads(form), requests.interaction, handle))

    @router.post(EVENTS)
    async def events(request: Request) -> Response:
        payload = json.loads(await verified(request))
        if payload.get("type") == "url_verification":
            return JSONResponse({"challenge": payload.get("challenge")})
        return _acknowledged(await run_in_threadpool(handled, payload, requests.event, handle))

    return router


def _acknowledged(done: Handled) -> Response:
    """The answer, after which comes what is for the person's eyes alone."""
    after = BackgroundTask(done.after) if done.after else None
    if done.answer is None:
        return Response(status_code=200, background=after)
    return JSONResponse(done.answer, background=after)
