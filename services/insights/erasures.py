"""Forgets people: their answers leave every figure, and what turns up of them later is dropped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from runtime import outbox
from runtime.cloudevents import decode, to_message, traceparent_of
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.tracing import child_of
from schemas.erasures import ERASURE_EVENTS, ErasureEvent, ErasureRequested
from services.insights import projection
from services.insights.app import SERVICE, SOURCE

GROUP = "insights-erasures"
TOPICS = (ErasureRequested.TOPIC,)


def read(record: Record) -> ErasureEvent:
    """A request to forget somebody, or a service's report. Raises runtime.cloudevents.Undecodable."""
    return decode(record, ERASURE_EVENTS)


class Erasing:
    """Takes requests to forget people."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def handle(self, connection: Connection[Any], delivered: Sequence[Delivered[ErasureEvent]]) -> None:
        """Forgets whom a batch asks to forget, in the caller's transaction, and reports what was removed."""
        for one in delivered:
            if isinstance(one.event, ErasureRequested):
                keys = {one.event.person_key, *one.event.aliases}
                removed = projection.forget(connection, keys, one.event.requested_at, self._zone)
                done = one.event.done(SERVICE, removed, datetime.now(UTC))
                traceparent = child_of(traceparent_of(one.record.headers))
                outbox.append(connection, [to_message(done, source=SOURCE, traceparent=traceparent)])
