"""Hands messages to Kafka and tells each caller when all in-sync replicas have them.

Group commit: while one produce request travels, the messages of all other callers gather, and leave together in
the next one. aiokafka itself would await, wrap and wake once a message.
"""

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from runtime.messages import Message

DEADLINE_SECONDS = 4.5
"""How long a message may wait for its acknowledgement; the HTTP answer has to be out within 5 s."""
MAX_WAITING = 2_000
"""Messages that may wait at once: with bodies of at most 256 KiB this bounds the memory."""
MAX_TOGETHER = 500
_RECONNECT_SECONDS = 0.5
_SWEEP_SECONDS = 0.25
_MAX_BATCH_BYTES = 900_000
_POSITIVE = 0x7FFFFFFF

log = structlog.get_logger(__name__)


class NotTakenError(Exception):
    """Kafka has not acknowledged the message. It may arrive yet; it can be sent again under the same id."""


@dataclass(slots=True, eq=False)
class _Waiting:
    message: Message
    deadline: float
    acknowledged: "asyncio.Future[None]"


class Publisher:
    """One idempotent producer with acks=all, replaced whenever it fails.

    An idempotent aiokafka producer can stay dead after an outage until it is closed (aiokafka#1017), so any
    failed or overdue request makes a new one.
    """

    def __init__(
        self,
        *,
        bootstrap_servers: str,
        client_id: str,
        deadline_seconds: float = DEADLINE_SECONDS,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers.split(",")
        self._client_id = client_id
        self._deadline_seconds = deadline_seconds
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiting] = deque()
        self._travelling = 0
        self._arrived = asyncio.Event()
        self._abandoned: set[asyncio.Task[None]] = set()
        self._connected = False

    def check(self) -> str | None:
        """Health: None while connected."""
        return None if self._connected else "Kafka does not answer; calls are answered 503"

    def publish(self, message: Message) -> "asyncio.Future[None]":
        """Takes the message; the future is done when all in-sync replicas have it.

        It fails with NotTakenError after `deadline_seconds` at the latest. Raises NotTakenError at once when too
        many messages wait already.
        """
        if len(self._waiting) + self._travelling >= self._max_waiting:
            raise NotTakenError
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(message, time.monotonic() + self._deadline_seconds, future))
        self._arrived.set()
        return future

    async def run(self) -> None:
        """Connects, sends, reconnects; ends only by cancellation."""
        sweeper = asyncio.create_task(self._sweep())
        try:
            while True:
                await self._serve_one_connection()
                await asyncio.sleep(_RECONNECT_SECONDS)
        finally:
            sweeper.cancel()
            for task in self._abandoned:
                task.cancel()
            await asyncio.gather(sweeper, *self._abandoned, return_exceptions=True)
            _fail(self._waiting)

    async def _serve_one_connection(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap_servers,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=_MAX_BATCH_BYTES,
            request_timeout_ms=5_000,
            retry_backoff_ms=100,
        )
        try:
            async with asyncio.timeout(self._deadline_seconds):
                await producer.start()
            self._connected = True
            await self._send_until_it_fails(producer)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(self._deadline_seconds):
                    await producer.stop()
            raise
        except Exception as error:  # noqa: BLE001 - whatever broke this producer, the answer is a new one
            log.warning("producer replaced", exc_info=error)
            self._abandon(producer)
        finally:
            self._connected = False

    async def _send_until_it_fails(self, producer: AIOKafkaProducer) -> None:
        while True:
            await self._arrived.wait()
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_TOGETHER))]
            if not self._waiting:
                self._arrived.clear()
            if not group:
                continue
            self._travelling = len(group)
            try:
                async with asyncio.timeout(group[0].deadline - time.monotonic()):
                    await _send(producer, [waiting.message for waiting in group])
            except BaseException:
                _fail(group)
                raise
            finally:
                self._travelling = 0
            for waiting in group:
                if not waiting.acknowledged.done():
                    waiting.acknowledged.set_result(None)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = time.monotonic()
            while self._waiting and self._waiting[0].deadline <= now:
                _fail([self._waiting.popleft()])

    def _abandon(self, producer: AIOKafkaProducer) -> None:
        # Stopping waits for what was sent, which can need the broker back: nothing waits for the stopping.
        task = asyncio.create_task(producer.stop())
        self._abandoned.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        self._abandoned.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.info("producer stopped badly", error=type(error).__name__)


async def _send(producer: AIOKafkaProducer, messages: Sequence[Message]) -> None:
    by_partition: defaultdict[tuple[str, int], list[Message]] = defaultdict(list)
    for message in messages:
        partitions = await producer.partitions_for(message.topic)
        # The partition every Kafka client picks for this key: the outbox's relay writes to the same topics.
        partition = (murmur2(message.key) & _POSITIVE) % len(partitions)
        by_partition[message.topic, partition].append(message)
    sent = []
    for (topic, partition), group in by_partition.items():
        batches = _batches(producer, group)
        sent += [await producer.send_batch(batch, topic, partition=partition) for batch in batches]
    await asyncio.gather(*sent)


def _batches(producer: AIOKafkaProducer, messages: Iterable[Message]) -> Iterable[BatchBuilder]:
    batch = producer.create_batch()
    for message in messages:
        if _append(batch, message):
            continue
        yield batch
        batch = producer.create_batch()
        if not _append(batch, message):
            raise ValueError(f"a message for {message.topic} does not fit into an empty batch")
    yield batch


def _append(batch: BatchBuilder, message: Message) -> bool:
    taken = batch.append(timestamp=None, key=message.key, value=message.value, headers=list(message.headers))
    return taken is not None


def _fail(group: Iterable[_Waiting]) -> None:
    for waiting in group:
        if not waiting.acknowledged.done():
            waiting.acknowledged.set_exception(NotTakenError())
