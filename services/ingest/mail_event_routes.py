"""`POST /v1/mail-events/{provider}`: what mail providers say became of our mails."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from runtime.tracing import child_of
from services.ingest import problems
from services.ingest.api import checked_body, json_response
from services.ingest.mail_desk import MailDesk
from services.ingest.mail_provider import Confirmation, MailEvent, Proof
from services.ingest.openapi import described_mail_events
from services.ingest.sources import ConfiguredMail
from services.ingest.vendor import Call, Unreadable
from services.ingest.waiting import NotTakenError
from services.ingest.webhook_routes import LIMIT_BYTES, call_headers

_TIMEOUT_SECONDS = 4.0
_MOST_CERTIFICATES = 20


class Outside:
    """Fetches what providers ask for; certificates only once."""

    def __init__(self) -> None:
        self._certificates: dict[str, bytes] = {}

    def fetch(self, url: str) -> bytes:
        """What is there. Raises NotTakenError: the provider repeats the call."""
        try:
            answer = httpx2.get(url, timeout=_TIMEOUT_SECONDS)
        except httpx2.HTTPError as error:
            raise NotTakenError from error
        if not answer.is_success:
            raise NotTakenError
        return answer.content

    def certificate(self, url: str) -> bytes:
        """As `fetch`, remembered."""
        if url not in self._certificates:
            if len(self._certificates) >= _MOST_CERTIFICATES:
                self._certificates.clear()
            self._certificates[url] = self.fetch(url)
        return self._certificates[url]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEvents:
    """What the routes stand on."""

    providers: Mapping[str, ConfiguredMail]
    desk: MailDesk
    outside: Outside


def mail_event_routes(mail: MailEvents) -> APIRouter:
    """The routes under `/v1/mail-events`."""
    routes = APIRouter()

    @routes.post("/v1/mail-events/{provider}", **described_mail_events(sorted(mail.providers)))
    async def receive(request: Request, provider: str) -> Response:
        configured = mail.providers.get(provider)
        if configured is None:
            raise problems.unknown_source()
        call = Call(call_headers(request), await checked_body(request, LIMIT_BYTES))
        traceparent = child_of(request.headers.get("traceparent"))
        count = await run_in_threadpool(_take, mail, configured, call, traceparent)
        return json_response(200, f'{{"events":{count}}}')

    return routes


def _take(mail: MailEvents, configured: ConfiguredMail, call: Call, traceparent: str) -> int:
    proof = Proof(configured.secrets, datetime.now(UTC), mail.outside.certificate)
    if not configured.provider.verify(call, configured.source, proof):
        raise problems.unproved_webhook()
    try:
        said = configured.provider.read(call)
    except Unreadable as error:
        raise problems.unreadable(str(error)) from None
    for one in said:
        if isinstance(one, Confirmation):
            mail.outside.fetch(one.url)
    events = [one for one in said if isinstance(one, MailEvent)]
    mail.desk.record(events, traceparent)
    return len(events)
