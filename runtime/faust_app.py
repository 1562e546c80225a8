"""Faust's application as we use it: raw bytes of one topic, no tables, no web server, a quick failover."""

import logging
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import cast

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import AppT, EventT, Message, TransportT
from mode.services import WaitArgT, WaitResults
from mode.threads import ServiceThread, WorkerThread
from mode.utils.times import Seconds

from runtime.kafka import (
    HEARTBEAT_SECONDS,
    MAX_REQUEST_BYTES,
    SESSION_TIMEOUT_SECONDS,
    KafkaSettings,
)

COMMIT_EVERY_SECONDS = 1.0
MAX_BATCH_BYTES = 500_000
_SEND_TIMEOUT_SECONDS = 30
_DELIVERY_AND_SUSPENSION = 2
# mode's own default, against its own type.
_NEVER = cast("Seconds", None)

Begun = Coroutine[object, None, None]
Agent = Callable[[faust.StreamT[bytes]], Awaitable[None]]


def faust_app(kafka: KafkaSettings, *, group: str, topic: str, agent: Agent) -> faust.App:
    """An application whose one agent gets the stream of `topic`; to be made inside the loop that runs it."""
    # Faust formats a debug line a message, whatever the level, unless debugging is off everywhere.
    logging.disable(logging.DEBUG)
    for talkative in ("mode", __name__):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    brokers = ";".join(f"kafka://{broker}" for broker in kafka.bootstrap_servers.split(","))
    app = _App(
        group,
        broker=brokers,
        broker_client_id=kafka.group_instance_id,
        consumer_group_instance_id=kafka.group_instance_id,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=SESSION_TIMEOUT_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_commit_interval=COMMIT_EVERY_SECONDS,
        producer_acks=-1,
        producer_request_timeout=_SEND_TIMEOUT_SECONDS,
        producer_max_batch_size=MAX_BATCH_BYTES,
        producer_max_request_size=MAX_REQUEST_BYTES,
        topic_allow_declare=False,
        topic_disable_leader=True,
        cython_optimizations=True,
        store="memory://",
        web_enabled=False,
    )
    app.agent(app.topic(topic, schema=_Raw()), name=group)(agent)
    return app


class _Raw(faust.Schema[bytes, bytes]):
    """Bytes as they are, past the serializers."""

    def compile(self, app: AppT, **_: object) -> Callable[..., Awaitable[EventT[bytes]]]:
        async def decode(message: Message, *, propagate: bool = False) -> EventT[bytes]:  # noqa: ARG001 - Faust's
            return app.create_event(message.key, message.value, message.headers, message)

        return decode


class _DaemonThread(WorkerThread):
    """Does not hold up the end of a process that could not stop it."""

    def __init__(self, service: ServiceThread) -> None:
        super().__init__(service)
        self.daemon = True


class _ConsumerThread(AIOKafkaConsumerThread):
    Worker = _DaemonThread


class _Consumer(Consumer):
    """Delivers a message without three asyncio tasks for each, which were a third of a worker's time."""

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def wait_first(self, *coros: WaitArgT, timeout: Seconds = _NEVER) -> WaitResults:
        """As in Faust, except for what can be done at once.

        For every message Faust awaits "delivered, or the flow suspended". A delivery waits only where a queue
        is full or the flow is suspended already, so it is begun here and, as a rule, ends here: what an eager
        task (Python 3.12) does.
        """
        if len(coros) != _DELIVERY_AND_SUSPENSION:
            return await super().wait_first(*coros, timeout=timeout)
        delivery, suspension = cast("tuple[Begun, Begun]", coros)
        try:
            awaited = delivery.send(None)
        except StopIteration:
            suspension.close()
            return WaitResults([delivery], [None], False)
        return await super().wait_first(_rest(delivery, awaited), suspension, timeout=timeout)


class _Transport(Transport):
    Consumer = _Consumer


class _App(faust.App):
    def _new_transport(self) -> TransportT:
        return _Transport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Without tables there is nothing to keep, and the file system may be read-only."""


async def _rest(begun: Begun, awaited: object) -> None:
    """What is left of a coroutine that was begun by hand and waits for `awaited`."""
    await _resumed(begun, awaited)


@types.coroutine
def _resumed(begun: Begun, awaited: object) -> Generator[object, None, None]:
    try:
        yield awaited
    except BaseException:
        begun.close()
        raise
    yield from begun
