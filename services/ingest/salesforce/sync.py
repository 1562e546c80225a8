"""Reads from Salesforce who the customers are and what happened to them, and says it as anybody else would.

Of each object the records that changed since the last reading are read by SystemModstamp, page by page, with
an overlap for records that became visible late. What a page leads to, what was taken of its records and how
far was read commit together: a reading that was cut short goes on there, and a record read again changes
nothing.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import psycopg
import structlog

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import to_message
from runtime.postgres import Pool, leading
from runtime.salesforce import UnansweredError
from runtime.tracing import new_traceparent
from schemas.event import Event
from services.ingest import metrics, store
from services.ingest.acceptance import SOURCE, Receipt, lifecycle_occurred
from services.ingest.customers import Customers
from services.ingest.inputs import AccountInput, LifecycleEventInput, ProfileInput
from services.ingest.salesforce import sync_store
from services.ingest.salesforce.contacts import said_of_contacts
from services.ingest.salesforce.customer_map import CustomerMap
from services.ingest.salesforce.objects import OrgObject, objects_of
from services.ingest.salesforce.reading import Reading, Row, is_news, told_as
from services.ingest.salesforce.sync_store import Taken

NAME = "salesforce"
"""The source that all of it comes from."""
OVERLAP = timedelta(minutes=5)
CALL_SECONDS = 60.0
STANDBY_SECONDS = 5.0

Told = Mapping[str, Taken]
"""What was taken of records before, by their ids."""
Take = Callable[[store.Connection, Sequence[Reading[Any]], Told], list[Taken]]

log = structlog.get_logger(__name__)


class Asks(Protocol):
    """The org, as far as reading goes."""

    def pages(self, soql: str, *, rows: int, seconds: float) -> Iterator[list[Row]]:
        """What a query finds, so many rows a page. Raises UnansweredError."""


class CustomerSync:
    """The worker; of several replicas' one works, the others stand by."""

    def __init__(
        self,
        *,
        org: Asks,
        pool: Pool,
        clock: Clock,
        customers: Customers,
        by: CustomerMap,
        person_key_secret: bytes,
    ) -> None:
        self._org = org
        self._pool = pool
        self._clock = clock
        self._customers = customers
        self._map = by
        self._secret = person_key_secret
        self._objects = list(objects_of(by))
        self._takes: dict[str, Take] = {
            "Account": self._take_accounts,
            "Contact": self._take_contacts,
            "Opportunity": self._take_moments,
            "Case": self._take_moments,
        }

    def run(self, stop: threading.Event) -> None:
        """Reads until `stop`; outlives outages of Salesforce and PostgreSQL."""
        for one in self._objects:
            metrics.CUSTOMERS_READ_AT.labels(one.kind).set_to_current_time()
        while not stop.is_set():
            try:
                with leading(self._pool, "salesforce customers") as connection:
                    while connection is not None and not stop.is_set():
                        stop.wait(self.read_all(connection, stop))
            except psycopg.OperationalError as error:
                log.warning("reading customers waits", dependency="PostgreSQL", error=type(error).__name__)
            stop.wait(STANDBY_SECONDS)

    def read_all(self, connection: store.Connection, stop: threading.Event) -> float:
        """Reads what has changed; the seconds until the next reading. `connection` is in autocommit."""
        for one in self._objects:
            try:
                self._read(connection, one, stop)
            except UnansweredError as error:
                metrics.CUSTOMER_POLLS.labels(one.kind, "failed").inc()
                log.warning("customers not read", object=one.kind, cause=error.cause)
                return max(self._map.every_seconds, error.retry_after_seconds or 0.0)
            metrics.CUSTOMER_POLLS.labels(one.kind, "ok").inc()
            metrics.CUSTOMERS_READ_AT.labels(one.kind).set_to_current_time()
        return self._map.every_seconds

    def _read(self, connection: store.Connection, one: OrgObject, stop: threading.Event) -> None:
        known = sync_store.read_up_to(connection, one.kind, one.digest)
        # The clock of this machine matters to the first reading only; later ones go by Salesforce's.
        first = datetime.now(UTC) - one.look_back if one.look_back else None
        since = known - OVERLAP if known else first
        for rows in self._org.pages(one.soql(since), rows=self._map.page_rows, seconds=CALL_SECONDS):
            if rows:
                with connection.transaction():
                    self._take(connection, one, [one.read(row) for row in rows])
            if stop.is_set():
                return

    def _take(self, connection: store.Connection, one: OrgObject, readings: Sequence[Reading[Any]]) -> None:
        known = sync_store.taken(connection, one.kind, [reading.record_id for reading in readings])
        new = [reading for reading in readings if _is_newer(reading, known.get(reading.record_id))]
        take = self._takes[one.kind]
        sync_store.note(connection, one.kind, take(connection, new, known))
        sync_store.note_progress(connection, one.kind, one.digest, max(reading.stamp for reading in readings))
        for reading in new:
            metrics.CUSTOMER_RECORDS.labels(one.kind, "no" if reading.body is None else "yes").inc()
            for field in reading.refused:
                metrics.CUSTOMER_VALUES_REFUSED.labels(one.kind, field).inc()

    def _take_accounts(
        self, connection: store.Connection, readings: Sequence[Reading[AccountInput]], _known: Told
    ) -> list[Taken]:
        given = [
            (reading.our_id, reading.body)
            for reading in readings
            if reading.our_id is not None and reading.body is not None
        ]
        stated = self._customers.state_accounts(connection, given, self._clock.now(), from_salesforce=True)
        changed = [one.state for one in stated if one.is_changed]
        self._tell(connection, changed)
        metrics.CHANGES_ACCEPTED.labels(NAME, "account").inc(len(changed))
        return [_taken(reading, reading.our_id) for reading in readings]

    def _take_contacts(
        self, connection: store.Connection, readings: Sequence[Reading[ProfileInput]], known: Told
    ) -> list[Taken]:
        gone = [one.record_id for one in readings if one.is_deleted]
        was = {one: known[one].key for one in gone if one in known}
        keys_gone = [key for key in was.values() if key is not None]
        statements = said_of_contacts(
            readings,
            was=was,
            elsewhere=sync_store.of_other_records(connection, "Contact", keys_gone, gone),
            secret=self._secret,
        )
        stated = self._customers.state_people(connection, [*statements.values()], self._clock.now())
        self._tell(connection, stated.changed)
        metrics.CHANGES_ACCEPTED.labels(NAME, "profile").inc(len(stated.changed))
        keys = {
            record_id: said.who.key if state else None
            for (record_id, said), state in zip(statements.items(), stated.states, strict=True)
            if record_id not in gone
        }
        return [_taken(reading, keys.get(reading.record_id)) for reading in readings]

    def _take_moments(
        self, connection: store.Connection, readings: Sequence[Reading[LifecycleEventInput]], known: Told
    ) -> list[Taken]:
        told = {record_id: before.told for record_id, before in known.items()}
        receipt = Receipt(NAME, None, self._clock.now())
        news = [
            reading.body
            for reading in readings
            if reading.body is not None and is_news(reading.body, told.get(reading.record_id))
        ]
        events = [lifecycle_occurred(body, receipt, self._secret) for body in news]
        told |= {event.source_id: told_as(body) for event, body in zip(events, news, strict=True)}
        erased = store.erased(connection, [event.event_key() for event in events])
        kept = [
            event
            for event in events
            if event.event_key() not in erased or event.occurred_at > erased[event.event_key()]
        ]
        self._tell(connection, kept)
        for event in kept:
            metrics.LIFECYCLE_ACCEPTED.labels(NAME, event.moment).inc()
        return [Taken(one.record_id, one.stamp, None, told.get(one.record_id)) for one in readings]

    @staticmethod
    def _tell(connection: store.Connection, events: Sequence[Event]) -> None:
        traceparent = new_traceparent()
        outbox.append(
            connection, [to_message(event, source=SOURCE, traceparent=traceparent) for event in events]
        )


def _is_newer(reading: Reading[Any], known: Taken | None) -> bool:
    return known is None or known.stamp is None or reading.stamp > known.stamp


def _taken(reading: Reading[Any], key: str | None) -> Taken:
    return Taken(reading.record_id, reading.stamp, key)
