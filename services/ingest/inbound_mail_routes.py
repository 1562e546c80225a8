"""`POST /v1/inbound-mail`: answers to our mails, as raw MIME or in the wrapping of a mail provider."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from runtime.tracing import child_of
from services.ingest import problems, signatures
from services.ingest.api import checked_body, json_response
from services.ingest.lenient import json_body, part
from services.ingest.openapi import described_inbound_mail
from services.ingest.reply_desk import ReplyDesk
from services.ingest.vendor import Call, Unreadable
from services.ingest.webhook_routes import call_headers

LIMIT_BYTES = 12 * 1024 * 1024
"""Attachments come along and are thrown away."""
_FORM_FIELDS = ("body-mime", "email")
"""Where Mailgun and SendGrid put the raw mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMails:
    """What the route stands on; without secrets it takes nothing."""

    secrets: Sequence[str]
    desk: ReplyDesk


def inbound_mail_routes(mails: InboundMails) -> APIRouter:
    """The route."""
    routes = APIRouter()

    @routes.post("/v1/inbound-mail", **described_inbound_mail())
    async def receive(request: Request) -> Response:
        if not mails.secrets:
            raise problems.source_without_secret()
        headers = call_headers(request)
        if not any(signatures.has_token(Call(headers, b""), secret) for secret in mails.secrets):
            raise problems.unproved_webhook()
        raw = await _raw(request, headers)
        traceparent = child_of(request.headers.get("traceparent"))
        kind = await run_in_threadpool(mails.desk.take, raw, traceparent)
        return json_response(200, f'{{"kind":"{kind}"}}')

    return routes


async def _raw(request: Request, headers: dict[str, str]) -> bytes:
    kind = headers.get("content-type", "")
    if kind.startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
        return await _form_field(request)
    body = await checked_body(request, LIMIT_BYTES)
    if not kind.startswith("application/json"):
        return body
    try:
        raw = part(json_body(Call(headers, body)), "RawEmail")
    except Unreadable as error:
        raise problems.unreadable(str(error)) from None
    if not isinstance(raw, str):
        raise problems.unreadable("expected RawEmail: tick the raw mail in Postmark's settings")
    return raw.encode(errors="replace")


async def _form_field(request: Request) -> bytes:
    async with request.form(max_files=50, max_fields=100, max_part_size=LIMIT_BYTES) as form:
        for name in _FORM_FIELDS:
            value = form.get(name)
            if isinstance(value, UploadFile):
                return await value.read()
            if value is not None:
                return value.encode()
    raise problems.unreadable("expected the raw mail in the field body-mime or email")
