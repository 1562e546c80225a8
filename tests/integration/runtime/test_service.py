"""A whole process: ready when it can work, gone when told to, and never half alive."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.integration.runtime.world import Broker, message, until

PROGRAM = (sys.executable, "-m", "tests.integration.runtime.small_service")


class Service:
    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.log = log
        self._url = f"http://127.0.0.1:{port}"

    def ask(self, path: str) -> httpx2.Response | None:
        try:
            return httpx2.get(self._url + path, timeout=10)
        except httpx2.TransportError:
            return None

    def is_ready(self) -> bool:
        response = self.ask("/health/ready")
        return response is not None and response.status_code == 200

    def end(self, number: int) -> tuple[int, float]:
        """The exit code, and the seconds from the signal to the end."""
        started = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(15), time.monotonic() - started


@contextmanager
def service(
    bootstrap: str, topic: str, database: str, schema: str, folder: Path, *, mode: str = "works"
) -> Iterator[Service]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*PROGRAM, topic, database, schema, mode, str(port)],
            env=os.environ | {"BROKER": bootstrap},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Service(process, port, log)
    finally:
        process.kill()
        process.wait()
        print(log.read_text())  # noqa: T201 - pytest shows it when the test fails


def test_works_is_measured_and_stops_on_sigterm(
    broker: Broker, database: str, schema: str, tmp_path: Path
) -> None:
    topic = broker.topic()
    broker.write([message(topic, number) for number in range(100)])
    with service(broker.settings.bootstrap_servers, topic, database, schema, tmp_path) as running:
        until(running.is_ready, "it is ready")
        assert len(broker.read(f"{topic}.dlq", 100)) == 100, "what it says is relayed"
        metrics = running.ask("/metrics")
        assert metrics is not None
        assert f'feedback_consumed_records_total{{service="small",topic="{topic}"}} 100.0' in metrics.text
        assert f'feedback_consumer_lag_records{{service="small",topic="{topic}"}} 0.0' in metrics.text
        live = running.ask("/health/live")
        assert live is not None
        assert live.status_code == 200
        code, seconds = running.end(signal.SIGTERM)
    assert code == 0
    assert seconds < 10


def test_is_alive_but_not_ready_without_its_database_and_still_stops(
    broker: Broker, schema: str, tmp_path: Path
) -> None:
    topic = broker.topic()
    broker.write([message(topic, 1)])
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    with service(broker.settings.bootstrap_servers, topic, nowhere, schema, tmp_path) as running:
        until(lambda: running.ask("/health/live"), "it is alive")
        ready = running.ask("/health/ready")
        assert ready is not None
        assert ready.status_code == 503
        assert "PostgreSQL does not answer" in ready.json()["problems"]["database"]
        code, seconds = running.end(signal.SIGINT)
    assert code == 0
    assert seconds < 10


def test_a_worker_that_dies_takes_the_process_down(
    broker: Broker, database: str, schema: str, tmp_path: Path
) -> None:
    topic = broker.topic()
    broker.write([message(topic, 1)])
    with service(
        broker.settings.bootstrap_servers, topic, database, schema, tmp_path, mode="dies"
    ) as running:
        assert running.process.wait(60) == 1


def test_the_watchdog_ends_a_process_whose_consumer_hangs(
    broker: Broker, database: str, schema: str, tmp_path: Path
) -> None:
    topic = broker.topic()
    broker.write([message(topic, 1)])
    with service(
        broker.settings.bootstrap_servers, topic, database, schema, tmp_path, mode="hangs"
    ) as running:
        assert running.process.wait(60) == 1
        assert "has not moved" in running.log.read_text()


def test_a_port_that_is_taken_is_an_error(broker: Broker, database: str, schema: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = subprocess.run(
            [
                *PROGRAM,
                *(broker.topic(), database, schema, "works", str(taken.getsockname()[1])),
            ],
            env=os.environ | {"BROKER": broker.settings.bootstrap_servers},
            timeout=60,
            check=False,
        )
    assert process.returncode == 1
