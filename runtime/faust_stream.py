"""One topic through a function into another, on Faust, losing nothing.

Left to itself Faust commits offsets of sends that failed and of events whose agent raised. Here it
acknowledges nothing: events are gathered, what they become is written, and once the broker has all of it the
events are acknowledged in order. What cannot be written is tried again; the partition does not move past it.
"""

import asyncio
import threading
import time
from collections.abc import Sequence, Set
from datetime import UTC, datetime
from typing import cast

import faust
import structlog
import uvloop
from faust.types import EventT

from runtime import metrics
from runtime.faust_app import faust_app
from runtime.faust_delivery import FaustDelivery
from runtime.faust_transform import Transform, Transformer
from runtime.gatherer import Gatherer
from runtime.group_lag import GroupLag
from runtime.kafka import KafkaSettings
from runtime.messages import Headers, Record
from runtime.progress import Partition, Progress

MAX_RECORDS = 500
LINGER_SECONDS = 0.02
STOP_SECONDS = 6.0
_LOOK_EVERY_SECONDS = 0.1

log = structlog.get_logger(__name__)


class StreamCrashed(Exception):
    """Faust gave up; the process should end and be started afresh."""


class FaustStream:
    """One member of a consumer group that turns each record into one message.

    `transform` gets up to 500 records at once, in one thread of its own. It answers Undecodable for a record
    that can never be read: that goes to the dead letters, and so does one on which it fails otherwise.
    """

    def __init__(self, *, kafka: KafkaSettings, group: str, topic: str, transform: Transform) -> None:
        self._kafka = kafka
        self._group = group
        self._topic = topic
        self._transformer = Transformer(transform, group=group)
        self._held: Set[Partition] = frozenset()
        self._is_member = False
        self._is_abandoned = False
        self.progress = Progress()
        self._lag = GroupLag(kafka, group=group, topic=topic, progress=self.progress, held=lambda: self._held)
        labels = (kafka.service, topic)
        metrics.LAG.labels(*labels).set_function(lambda: self.progress.lag_records(topic))
        metrics.OLDEST_UNPROCESSED.labels(*labels).set_function(
            lambda: self.progress.oldest_unprocessed_seconds(topic)
        )

    def run(self, stop: threading.Event) -> None:
        """Works until `stop`, then finishes what is in hand and commits, at most 6 s.

        Raises StreamCrashed when only a fresh process can help.
        """
        if not self._lag.wait_for_topic(stop):
            return
        measuring = threading.Thread(target=self._lag.run, args=[stop], name="lag", daemon=True)
        measuring.start()
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        runner.run(self._serve(stop))
        if not self._is_abandoned:
            runner.close()

    def check(self) -> str | None:
        """Health: None while a member of the group that is free to work."""
        return self.progress.trouble(self._group, is_member=self._is_member)

    async def _serve(self, stop: threading.Event) -> None:
        app = faust_app(self._kafka, group=self._group, topic=self._topic, agent=self._consume)
        self._app = app
        self._delivery = FaustDelivery(app, service=self._kafka.service, group=self._group)
        await app.start()
        try:
            while not (stop.is_set() or app.should_stop):
                self._look(app)
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
        finally:
            await self._stop(app)
        if not stop.is_set():
            raise StreamCrashed(f"{self._group}: {type(app.crash_reason).__name__}") from app.crash_reason

    async def _stop(self, app: faust.App) -> None:
        stopping = asyncio.create_task(app.stop())
        _, late = await asyncio.wait([stopping], timeout=STOP_SECONDS)
        if late:
            log.warning("not all in hand could be written, it is consumed again", group=self._group)
            # Faust's tasks wait for it for ever, also when cancelled: the loop is left to the process's end.
            app.consumer.unacked.clear()
            stopping.cancel()
            self._is_abandoned = True

    def _look(self, app: faust.App) -> None:
        self._is_member = not app.rebalancing and app.consumer_generation_id > 0
        self._held = frozenset((held.topic, held.partition) for held in app.consumer.assignment())
        self.progress.turned()

    async def _consume(self, stream: faust.StreamT[bytes]) -> None:
        gatherer: Gatherer[EventT[bytes]] = Gatherer(MAX_RECORDS, linger_seconds=LINGER_SECONDS)
        writing = asyncio.create_task(self._write_all(gatherer))
        try:
            async for event in stream.noack().events():  # type: ignore[attr-defined]  # StreamT leaves it out
                if gatherer.add(event):
                    await gatherer.room()
        finally:
            writing.cancel()

    async def _write_all(self, gatherer: Gatherer[EventT[bytes]]) -> None:
        try:
            while True:
                await self._write(await gatherer.take())
        except Exception as error:
            await self._app.crash(error)
            raise

    async def _write(self, events: Sequence[EventT[bytes]]) -> None:
        started = time.perf_counter()
        records = [_record(event) for event in events]
        self._note(records)
        await self._delivery.deliver(await self._transformer.outcomes(records))
        for event in events:
            # After a rebalance it is not ours to acknowledge: its new owner reads it again.
            if event.message.generation_id == self._app.consumer_generation_id:
                event.ack()
        metrics.CONSUMED.labels(self._kafka.service, self._topic).inc(len(events))
        metrics.BATCH_SECONDS.labels(self._kafka.service).observe(time.perf_counter() - started)

    def _note(self, records: Sequence[Record]) -> None:
        spans: dict[Partition, tuple[datetime, int]] = {}
        for record in records:
            partition = (record.topic, record.partition)
            first_at = spans[partition][0] if partition in spans else record.timestamp
            spans[partition] = (first_at, record.offset + 1)
        for partition, (first_at, end) in spans.items():
            self.progress.taken(partition, first_at=first_at, end=end)


def _record(event: EventT[bytes]) -> Record:
    message = event.message
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=tuple((name, value or b"") for name, value in cast("Headers", message.headers or ())),
        timestamp=datetime.fromtimestamp(message.timestamp, UTC),
    )
