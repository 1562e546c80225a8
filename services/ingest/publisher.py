"""Hands messages to Kafka and tells each caller when all in-sync replicas have them.

Group commit: while one produce request travels, the messages of all other callers gather, and leave together
in the next one. aiokafka itself would await, wrap and wake once a message.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from runtime.messages import Message
from services.ingest.waiting import NotTakenError, WaitingRoom

DEADLINE_SECONDS = 4.5
"""How long a message may wait for its acknowledgement; the HTTP answer has to be out within 5 s."""
MAX_WAITING = 5_000
MAX_WAITING_BYTES = 32 * 1024 * 1024
"""Together these bound the memory while Kafka is away."""
MAX_TOGETHER = 500
_RECONNECT_SECONDS = 0.5
_SWEEP_SECONDS = 0.25
_STOP_SECONDS = 2.0
_RETRY_MILLISECONDS = 250
_MAX_BATCH_BYTES = 900_000
_POSITIVE = 0x7FFFFFFF
_REMEMBERED_KEYS = 1 << 14

log = structlog.get_logger(__name__)


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
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers.split(",")
        self._client_id = client_id
        self._deadline_seconds = deadline_seconds
        self._room = WaitingRoom(
            deadline_seconds=deadline_seconds, max_messages=max_waiting, max_bytes=max_waiting_bytes
        )
        self._abandoned: set[asyncio.Task[None]] = set()
        self._connected = False

    def check(self) -> str | None:
        """Health: None while connected."""
        return None if self._connected else "Kafka does not answer; calls are answered 503"

    def publish(self, *messages: Message) -> "asyncio.Future[None]":
        """Takes the messages; the future is done when all in-sync replicas have all of them.

        It fails with NotTakenError after `deadline_seconds` at the latest; some may have arrived. Raises
        NotTakenError at once when too many messages wait already.
        """
        return self._room.enter(*messages)

    def check_room(self) -> None:
        """Raises NotTakenError when so many messages wait that `publish` would."""
        self._room.check()

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
            self._room.release_all()

    async def _serve_one_connection(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap_servers,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=_MAX_BATCH_BYTES,
            request_timeout_ms=int(self._deadline_seconds * 1000),
            retry_backoff_ms=_RETRY_MILLISECONDS,
        )
        try:
            async with asyncio.timeout(self._deadline_seconds):
                await producer.start()
            self._connected = True
            log.info("producer connected")
            await self._send_until_it_fails(producer)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_STOP_SECONDS):
                    await producer.stop()
            raise
        except Exception as error:  # whatever broke this producer, the answer is a new one
            if self._connected:
                log.warning("producer lost, connecting again", exc_info=error)
            self._abandon(producer)
        finally:
            self._connected = False

    async def _send_until_it_fails(self, producer: AIOKafkaProducer) -> None:
        while True:
            group = await self._room.next_group(MAX_TOGETHER)
            try:
                async with asyncio.timeout(group[0].deadline - time.monotonic()):
                    await _send(producer, [message for waiting in group for message in waiting.messages])
            except BaseException:
                self._room.release(group, NotTakenError())
                raise
            self._room.release(group)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self._room.release_overdue()

    def _abandon(self, producer: AIOKafkaProducer) -> None:
        # Stopping waits for what was sent, which can need the broker back: nothing waits for the stopping.
        task = asyncio.create_task(producer.stop())
        self._abandoned.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        self._abandoned.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.info("producer stopped badly", error=type(error).__name__)


@lru_cache(_REMEMBERED_KEYS)
def _hash(key: bytes) -> int:
    """Kafka's hash of a key. aiokafka computes it in Python, and a person's records come close together."""
    return int(murmur2(key)) & _POSITIVE


async def _send(producer: AIOKafkaProducer, messages: Sequence[Message]) -> None:
    by_partition: defaultdict[tuple[str, int], list[Message]] = defaultdict(list)
    for message in messages:
        partitions = await producer.partitions_for(message.topic)
        # The partition every Kafka client picks for this key: the outbox's relay writes to the same topics.
        partition = _hash(message.key) % len(partitions)
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
