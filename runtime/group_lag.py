"""How far a consumer group has come, asked of the broker: the consumer itself may be what is stuck."""

import threading
from collections.abc import Callable, Set

import structlog
from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from runtime.kafka import BLOCK_SECONDS, KafkaSettings
from runtime.progress import Partition, Progress

MEASURE_EVERY_SECONDS = 2.0
ANSWER_SECONDS = 2.0

log = structlog.get_logger(__name__)


class GroupLag:
    """Keeps `progress` at what is committed and where the partitions end, for those that `held` names.

    While the broker does not answer, progress says that the consumer waits for Kafka.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        group: str,
        topic: str,
        progress: Progress,
        held: Callable[[], Set[Partition]],
    ) -> None:
        self._kafka = kafka
        self._group = group
        self._topic = topic
        self._progress = progress
        self._held = held

    def run(self, stop: threading.Event) -> None:
        """Measures every two seconds until `stop`."""
        while not stop.is_set():
            try:
                self._measure_until(stop)
            except KafkaError as error:
                log.warning("lag not measured", group=self._group, error=type(error).__name__)
                self._progress.waiting("Kafka")
                stop.wait(MEASURE_EVERY_SECONDS)

    def wait_for_topic(self, stop: threading.Event) -> bool:
        """Returns True once the broker answers and has the topic; False when `stop` came first."""
        while not stop.is_set():
            try:
                with _Asker(self._kafka, self._group) as broker:
                    if broker.partitions_for_topic(self._topic):
                        return True
                log.warning("the topic does not exist yet", topic=self._topic)
                self._progress.waiting(f"topic {self._topic}")
            except KafkaError as error:
                log.warning("no broker to consume from", group=self._group, error=type(error).__name__)
                self._progress.waiting("Kafka")
            stop.wait(MEASURE_EVERY_SECONDS)
        return False

    def _measure_until(self, stop: threading.Event) -> None:
        with _Asker(self._kafka, self._group) as broker:
            while not stop.is_set():
                self._measure(broker)
                self._progress.waiting(None)
                stop.wait(MEASURE_EVERY_SECONDS)

    def _measure(self, broker: KafkaConsumer) -> None:
        timeout_ms = ANSWER_SECONDS * 1000
        partitions = [TopicPartition(*partition) for partition in self._held()]
        if not partitions:
            self._progress.measured({}, {})
            return
        ends = broker.end_offsets(partitions, timeout_ms=timeout_ms)
        begins = broker.beginning_offsets(partitions, timeout_ms=timeout_ms)
        committed = {
            partition: broker.committed(partition, timeout_ms=timeout_ms) for partition in partitions
        }
        self._progress.measured(
            {tuple(partition): end for partition, end in ends.items()},
            {
                tuple(partition): begins[partition] if offset is None else offset
                for partition, offset in committed.items()
            },
        )


class _Asker:
    """A client that names the group to ask for its offsets, and never joins it."""

    def __init__(self, kafka: KafkaSettings, group: str) -> None:
        self._client = KafkaConsumer(
            bootstrap_servers=kafka.bootstrap_servers.split(","),
            client_id=f"{kafka.group_instance_id}-lag",
            group_id=group,
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=BLOCK_SECONDS * 1000,
            metrics_enabled=False,
        )

    def __enter__(self) -> KafkaConsumer:
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.close(autocommit=False, timeout_ms=ANSWER_SECONDS * 1000)
