"""The at-least-once loop: poll a batch, decide, one transaction, then the offsets.

A batch can fail in three ways. A dependency is down: the partitions are rewound and paused, and the loop
keeps polling, so the group keeps us. One record is at fault: it goes to the dead letters. We are at fault (a
missing column, say): the process ends, because every record would fail the same way.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg
import structlog
from kafka import KafkaConsumer
from kafka.errors import FencedInstanceIdError, KafkaError, KafkaTimeoutError
from kafka.structs import MemberState, OffsetAndMetadata, TopicPartition
from psycopg_pool import PoolClosed

from runtime import metrics
from runtime.cloudevents import Undecodable, event_id_of
from runtime.dead_letters import DeadLetter, DeadLetters
from runtime.kafka import KafkaSettings, consumer, to_record
from runtime.messages import Record
from runtime.postgres import Pool
from runtime.progress import Progress
from runtime.uncollected import uncollected

POLL_SECONDS = 1.0
"""A poll ends sooner when records come; each costs a look at every partition."""
JOINING_POLL_SECONDS = 0.25
CLOSE_SECONDS = 2.0
MEASURE_EVERY_SECONDS = 2.0
MEASURE_TIMEOUT_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.2
JOIN_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 5.0
STRANDED_SECONDS = 20.0
"""A client that is no member of its group for so long is replaced: twice what a silent member may hold it up.

kafka-python 3.0.12 can stay outside for ever when topics get partitions while it joins, see `runtime.kafka`.
"""
COMMIT_TIMEOUT_SECONDS = 5.0
SMALL_SHARE = 0.25
"""A batch below this share of the most that one may hold is small: there is nothing to catch up with."""
NAMED_EVENTS = 10

E = TypeVar("E")
Polled = Mapping[TopicPartition, Sequence[Any]]
log = structlog.get_logger(__name__)


class DependencyDown(Exception):
    """Raised by a handler: what it needs does not answer now. The records are fine and are tried again."""


DOWN = (DependencyDown, psycopg.OperationalError, psycopg.InterfaceError, KafkaError)
OUR_FAULT = (PoolClosed, psycopg.ProgrammingError, psycopg.InternalError, psycopg.NotSupportedError)


@dataclass(frozen=True, slots=True)
class Delivered(Generic[E]):
    """An event and the record it came in."""

    record: Record
    event: E


Handle = Callable[[psycopg.Connection[Any], Sequence[Delivered[E]]], None]


class Consumer(Generic[E]):
    """One member of a consumer group.

    `decode` turns a record into an event or raises Undecodable. `handle` writes what a batch decides within
    the transaction it is given, and must bear a batch that it has seen before. Records of one key come in
    order, within a batch as well.

    After a small batch the next one gathers for `gather_seconds`: a transaction and a commit of offsets cost
    nearly the same for one record as for fifty. 0 takes each record as it comes.
    """

    def __init__(
        self,
        *,
        kafka: KafkaSettings,
        group: str,
        topics: Sequence[str],
        decode: Callable[[Record], E],
        handle: Handle[E],
        pool: Pool,
        dead_letters: DeadLetters,
        max_records: int = 500,
        gather_seconds: float = 0.0,
    ) -> None:
        self._kafka = kafka
        self._group = group
        self._topics = tuple(topics)
        self._decode = decode
        self._handle = handle
        self._pool = pool
        self._dead_letters = dead_letters
        self._max_records = max_records
        self._gather_seconds = gather_seconds
        self._next_poll_at = 0.0
        self._uncommitted: dict[TopicPartition, int] = {}
        self._processed: dict[TopicPartition, int] = {}
        self._generation: object = None
        self._pauses = 0
        self._is_member = False
        self._outside_since = 0.0
        self._measured_at = 0.0
        self.progress = Progress()
        for topic in self._topics:
            self._export(topic)

    def run(self, stop: threading.Event) -> None:
        """Consumes until `stop`; raises when only a fresh process can help."""
        try:
            while (source := self._join(stop)) is not None:
                self.progress.waiting(None)
                self._consume(source, stop)
        finally:
            self._dead_letters.close()

    def _consume(self, source: KafkaConsumer, stop: threading.Event) -> None:
        """Consumes until `stop`, or until this client has lost its way into the group."""
        self._outside_since = time.monotonic()
        try:
            while not stop.is_set() and time.monotonic() - self._outside_since < STRANDED_SECONDS:
                self._turn(source, stop)
        finally:
            source.close(autocommit=False, timeout_ms=CLOSE_SECONDS * 1000)
        if not stop.is_set():
            log.warning("not let into its group, joins anew", group=self._group)
            self._uncommitted.clear()
            self._processed.clear()

    def check(self) -> str | None:
        """Health: None while a member of the group that is free to work."""
        return self.progress.trouble(self._group, is_member=self._is_member)

    def _export(self, topic: str) -> None:
        labels = (self._kafka.service, topic)
        metrics.LAG.labels(*labels).set_function(lambda: self.progress.lag_records(topic))
        metrics.OLDEST_UNPROCESSED.labels(*labels).set_function(
            lambda: self.progress.oldest_unprocessed_seconds(topic)
        )

    def _join(self, stop: threading.Event) -> KafkaConsumer | None:
        while not stop.is_set():
            try:
                return consumer(
                    self._kafka, group=self._group, topics=self._topics, max_records=self._max_records
                )
            except KafkaError as error:
                if not error.retriable:
                    raise
                log.warning("cannot join", group=self._group, reason=str(error))
                self.progress.waiting("a broker" if isinstance(error, KafkaTimeoutError) else str(error))
                stop.wait(JOIN_PAUSE_SECONDS)
        return None

    def _turn(self, source: KafkaConsumer, stop: threading.Event) -> None:
        stop.wait(max(0.0, self._next_poll_at - time.monotonic()))
        polled = self._poll(source, POLL_SECONDS if self._is_member else JOINING_POLL_SECONDS)
        if polled:
            is_small = sum(map(len, polled.values())) < self._max_records * SMALL_SHARE
            self._next_poll_at = time.monotonic() + self._gather_seconds if is_small else 0.0
            self._take(source, polled, stop)
        self._commit(source)
        self._measure(source)

    def _poll(self, source: KafkaConsumer, seconds: float) -> Polled:
        try:
            polled: Polled = source.poll(timeout_ms=seconds * 1000)
        except KafkaError as error:
            if not error.retriable:
                raise
            log.warning("poll failed", group=self._group, error=type(error).__name__)
            time.sleep(seconds)
            polled = {}
        membership = source.group_metadata()
        self._is_member = membership.state == MemberState.STABLE
        if self._generation != (membership.generation_id, membership.member_id):
            self._generation = (membership.generation_id, membership.member_id)
            self._processed.clear()  # others may have worked on since
        if self._is_member:
            self._outside_since = math.inf
        elif math.isinf(self._outside_since):
            self._outside_since = time.monotonic()
        self.progress.turned()
        return polled

    def _take(self, source: KafkaConsumer, polled: Polled, stop: threading.Event) -> None:
        started = time.perf_counter()
        records = [to_record(record) for partition in polled.values() for record in partition]
        for (topic, partition), in_hand in polled.items():
            first = to_record(in_hand[0])
            self.progress.taken((topic, partition), first_at=first.timestamp, end=in_hand[-1].offset + 1)
        try:
            # A batch makes up to hundreds of thousands of objects, of which each search would look at all:
            # half of the time that one of insights took went there.
            with uncollected():
                self._process(records)
        except OUR_FAULT:
            raise
        except DOWN as error:
            self._pause(source, polled, error, stop)
            return
        if self._pauses:
            self._resumed()
        for (topic, partition), in_hand in polled.items():
            next_offset = in_hand[-1].offset + 1
            self._uncommitted[TopicPartition(topic, partition)] = next_offset
            self._processed[TopicPartition(topic, partition)] = next_offset
            self.progress.done((topic, partition), next_offset)
            metrics.CONSUMED.labels(self._kafka.service, topic).inc(len(in_hand))
        metrics.BATCH_SECONDS.labels(self._kafka.service).observe(time.perf_counter() - started)

    def _process(self, records: Sequence[Record]) -> None:
        delivered: list[Delivered[E]] = []
        letters: list[DeadLetter] = []
        for record in records:
            try:
                delivered.append(Delivered(record, self._decode(record)))
            except Undecodable as error:
                letters.append(DeadLetter(record, error.cause, error.detail))
        letters.extend(self._handled(delivered))
        self._dead_letters.send(letters)

    def _handled(self, delivered: Sequence[Delivered[E]]) -> list[DeadLetter]:
        """Handles all together or, when something is wrong with one of them, each alone."""
        if not delivered:
            return []
        failure = self._transact(delivered)
        if failure is None:
            return []
        log.warning("batch failed, its records are tried one by one", group=self._group, error=failure)
        alone = [(one, self._transact([one])) for one in delivered]
        return [
            DeadLetter(one.record, "handler_failed", failure) for one, failure in alone if failure is not None
        ]

    def _transact(self, delivered: Sequence[Delivered[E]]) -> str | None:
        """Runs the handler in a transaction of its own; returns the kind of error that the records cause."""
        try:
            with self._pool.connection() as connection:
                self._handle(connection, delivered)
        except (*DOWN, *OUR_FAULT):
            raise
        except Exception as error:  # whatever a record provokes must not stop its partition
            ids = [event_id_of(one.record.headers) for one in delivered[:NAMED_EVENTS]]
            log.info("handler failed", group=self._group, event_ids=ids, exc_info=error)
            return type(error).__name__
        return None

    def _pause(self, source: KafkaConsumer, polled: Polled, error: Exception, stop: threading.Event) -> None:
        """Gives the batch back and waits, polling. Positions are the only memory: no rebalance can skip."""
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self._pauses)
        self._pauses = min(self._pauses + 1, 16)
        deadline = time.monotonic() + longest * random.uniform(0.5, 1)  # noqa: S311 - spreads retries, no secret
        log.warning("consumer waits", group=self._group, error=type(error).__name__, seconds=longest)
        self.progress.waiting(type(error).__name__)
        metrics.PAUSED.labels(self._kafka.service, self._group).set(1)
        _rewind(source, polled)
        while not stop.is_set() and time.monotonic() < deadline:
            source.pause(*source.assignment())
            _rewind(source, self._poll(source, FIRST_PAUSE_SECONDS))
            self._measure(source)
        source.resume(*source.paused())

    def _resumed(self) -> None:
        log.info("consumer goes on", group=self._group)
        self._pauses = 0
        self.progress.waiting(None)
        metrics.PAUSED.labels(self._kafka.service, self._group).set(0)

    def _commit(self, source: KafkaConsumer) -> None:
        """Commits what is processed; what a silent broker did not take is committed with the next batch."""
        held = source.assignment()
        offsets = {
            partition: OffsetAndMetadata(offset)
            for partition, offset in self._uncommitted.items()
            if partition in held
        }
        if not offsets:
            self._uncommitted.clear()
            return
        try:
            source.commit(offsets, timeout_ms=COMMIT_TIMEOUT_SECONDS * 1000)
        except FencedInstanceIdError:
            raise
        except KafkaError as error:
            log.warning("offsets not committed", group=self._group, error=type(error).__name__)
            if error.retriable:
                return
        self._uncommitted.clear()

    def _measure(self, source: KafkaConsumer) -> None:
        """Asks where the partitions end, and for positions not known yet: no record is in hand now."""
        if not self._is_member or time.monotonic() < self._measured_at + MEASURE_EVERY_SECONDS:
            return
        timeout_ms = MEASURE_TIMEOUT_SECONDS * 1000
        held = list(source.assignment())
        try:
            ends = source.end_offsets(held, timeout_ms=timeout_ms) if held else {}
            for partition in held:
                # Each question goes through all partitions, so none is asked twice.
                if partition not in self._processed:
                    offset = source.position(partition, timeout_ms=timeout_ms)
                    if offset is not None:
                        self._processed[partition] = offset
        except KafkaError as error:
            log.info("lag not measured", group=self._group, error=type(error).__name__)
            self.progress.unmeasured()
        else:
            known = {tuple(one): offset for one, offset in self._processed.items() if one in ends}
            self.progress.measured({tuple(one): end for one, end in ends.items()}, known)
        self._measured_at = time.monotonic()


def _rewind(source: KafkaConsumer, polled: Polled) -> None:
    held = source.assignment()
    for partition, records in polled.items():
        if partition in held:
            source.seek(partition, records[0].offset)
