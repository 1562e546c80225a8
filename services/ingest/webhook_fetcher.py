"""Fetches answers that webhooks only name. A thread of its own: a vendor that is down delays nobody else."""

import random
from datetime import timedelta
from http import HTTPStatus
from threading import Event

import httpx2
import structlog

from runtime.cloudevents import Undecodable
from runtime.postgres import Pool
from runtime.tracing import new_traceparent
from services.ingest import metrics, webhook_store
from services.ingest.sources import read_secret
from services.ingest.vendor import Fetch, Unreadable
from services.ingest.webhook_store import ToFetch
from services.ingest.webhook_worker import WebhookWorker

LEASE = timedelta(minutes=1)
"""Longer than a request may take."""
TIMEOUT_SECONDS = 15.0
IDLE_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 3600.0
MAX_ATTEMPTS = 80
"""About three days."""

log = structlog.get_logger(__name__)


class WebhookFetcher:
    """One thread that works off what is owed, oldest first."""

    def __init__(self, worker: WebhookWorker, pool: Pool) -> None:
        self._worker = worker
        self._pool = pool

    def run(self, stop: Event) -> None:
        """Works until `stop`."""
        with httpx2.Client(timeout=TIMEOUT_SECONDS) as http:
            while not stop.is_set():
                if not self.fetch_one(http):
                    stop.wait(IDLE_SECONDS)

    def fetch_one(self, http: httpx2.Client) -> bool:
        """Fetches what has waited longest; False when nothing is due."""
        with self._pool.connection() as connection:
            due = webhook_store.claim_fetch(connection, LEASE)
            metrics.WEBHOOK_FETCHES_OWED.set(webhook_store.fetches_owed(connection))
        if due is None:
            return False
        try:
            self._fetch(http, due)
        except (Unreadable, Undecodable) as error:
            self._give_up(due, str(error))
        return True

    def _fetch(self, http: httpx2.Client, due: ToFetch) -> None:
        heard = self._worker.read(due.raw)
        for fetch in heard.said:
            if not isinstance(fetch, Fetch):
                continue
            token = read_secret(fetch.token)
            if token is None:
                self._postpone(due, f"the secret {fetch.token} is missing", None)
                return
            try:
                answer = http.get(fetch.url, headers={"authorization": f"Bearer {token}"})
            except httpx2.HTTPError as error:
                self._postpone(due, type(error).__name__, None)
                return
            if answer.status_code == HTTPStatus.NOT_FOUND:
                self._give_up(due, "it is not there any more")
                return
            if not answer.is_success:
                self._postpone(due, str(answer.status_code), answer.headers.get("retry-after"))
                return
            said = fetch.read(_json(answer))
            with self._pool.connection() as connection:
                received_at = webhook_store.first_receipts(connection, [due.raw])[due.raw.raw_id]
                self._worker.write(
                    connection, heard, said, received_at=received_at, traceparent=new_traceparent()
                )
                webhook_store.end_fetch(connection, due.raw.raw_id)

    def _postpone(self, due: ToFetch, cause: str, retry_after: str | None) -> None:
        if due.attempts >= MAX_ATTEMPTS:
            self._give_up(due, cause)
            return
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(due.attempts, 16))
        asked = float(retry_after) if retry_after and retry_after.isdecimal() else 0.0
        seconds = max(asked, pause * random.uniform(0.5, 1))  # noqa: S311 - spreads retries, no secret
        log.warning("answer not fetched yet", source=due.raw.source, cause=cause, seconds=round(seconds))
        with self._pool.connection() as connection:
            webhook_store.postpone_fetch(connection, due.raw.raw_id, timedelta(seconds=seconds))

    def _give_up(self, due: ToFetch, cause: str) -> None:
        log.warning("answer not fetched", source=due.raw.source, raw_id=str(due.raw.raw_id), cause=cause)
        metrics.WEBHOOKS_READ.labels(due.raw.source, "not_fetched").inc()
        with self._pool.connection() as connection:
            webhook_store.end_fetch(connection, due.raw.raw_id)


def _json(answer: httpx2.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        raise Unreadable("expected JSON from the vendor's API") from None
