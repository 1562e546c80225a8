"""Makes responses of the calls on `ingest.raw.v1`, and opts out whoever told a vendor to stop asking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from runtime import outbox
from runtime.cloudevents import Undecodable, decode, to_message, traceparent_of
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.tracing import child_of
from schemas.raw import WebhookReceived
from schemas.responses import response_id
from services.ingest import metrics, store, webhook_store
from services.ingest.acceptance import SOURCE
from services.ingest.identity import email_key
from services.ingest.profiles import profile_without_surveys
from services.ingest.sources import Configured
from services.ingest.vendor import Answer, Call, Fetch, Nothing, Said, Unreadable, Unsubscribed
from services.ingest.webhook_mapping import Origin, missing, recorded

GROUP = "ingest.webhooks"


@dataclass(frozen=True, slots=True)
class Heard:
    """A call and what its vendor's module reads in it."""

    raw: WebhookReceived
    source: Configured
    said: Sequence[Said]


class WebhookWorker:
    """The consumer's two halves; what it maps is remembered, so that a repetition adds nothing."""

    def __init__(self, sources: Mapping[str, Configured], *, person_key_secret: bytes) -> None:
        self._sources = sources
        self._secret = person_key_secret

    def decode(self, record: Record) -> Heard:
        """The call in a record, read. Raises Undecodable."""
        raw = decode(record, {WebhookReceived.TYPE: WebhookReceived})
        try:
            return self.read(raw)
        except Unreadable as error:
            metrics.WEBHOOKS_READ.labels(raw.source, "unreadable").inc()
            raise Undecodable("unreadable", str(error)) from None
        except Undecodable:
            raise
        except Exception as error:  # a slip in a vendor's module must not stop its partition
            metrics.WEBHOOKS_READ.labels(raw.source, "unreadable").inc()
            raise Undecodable("reading_failed", type(error).__name__) from error

    def read(self, raw: WebhookReceived) -> Heard:
        """What a call says. Raises Unreadable, or Undecodable for a source that is no longer configured."""
        configured = self._sources.get(raw.source)
        if configured is None:
            raise Undecodable("unknown_source", "sources.yaml does not name it")
        call = Call(raw.headers, raw.body)
        return Heard(raw, configured, configured.vendor.read(call, configured.source))

    def handle(self, connection: store.Connection, delivered: Sequence[Delivered[Heard]]) -> None:
        """Writes what a batch says; responses and profiles leave through the outbox."""
        receipts = webhook_store.first_receipts(connection, [one.event.raw for one in delivered])
        for one in delivered:
            traceparent = child_of(traceparent_of(one.record.headers))
            received_at = receipts[one.event.raw.raw_id]
            for said in one.event.said:
                self.write(connection, one.event, said, received_at=received_at, traceparent=traceparent)

    def write(
        self,
        connection: store.Connection,
        heard: Heard,
        said: Said,
        *,
        received_at: datetime,
        traceparent: str,
    ) -> None:
        """Writes one thing that a call says. Raises Unreadable."""
        match said:
            case Answer():
                self._write_answer(connection, heard, said, received_at, traceparent)
            case Unsubscribed(email, at):
                key = email_key(self._secret, email)
                known = store.lock_profile(connection, key)
                profile = profile_without_surveys(known, key, at or received_at)
                if profile != known:
                    store.put_profile(connection, profile)
                    outbox.append(connection, [to_message(profile, source=SOURCE, traceparent=traceparent)])
                webhook_store.said_by(connection, heard.raw.raw_id, key)
            case Fetch():
                webhook_store.owe_fetch(connection, heard.raw)
            case Nothing():
                pass
        metrics.WEBHOOKS_READ.labels(heard.source.name, type(said).__name__.lower()).inc()

    def _write_answer(
        self,
        connection: store.Connection,
        heard: Heard,
        answer: Answer,
        received_at: datetime,
        traceparent: str,
    ) -> None:
        configured = heard.source
        known = webhook_store.lock_response(connection, response_id(configured.name, answer.source_id))
        source = configured.source
        if heard.raw.effects is not None:
            source = source.model_copy(update={"effects": heard.raw.effects})
        origin = Origin(configured.name, source, configured.vendor.version, received_at)
        response = recorded(answer, origin, known=known, secret=self._secret)
        webhook_store.said_by(connection, heard.raw.raw_id, response.person_key)
        if known is not None and known.order.key() >= response.order.key():
            return
        webhook_store.put_response(connection, response)
        outbox.append(connection, [to_message(response, source=SOURCE, traceparent=traceparent)])
        for field in missing(answer):
            metrics.WEBHOOK_FIELDS_MISSING.labels(configured.name, field).inc()
        metrics.RESPONSES_ACCEPTED.labels(response.source, response.metric).inc()
