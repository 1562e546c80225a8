"""A whole process: ready when it can work, gone when told to, and never half alive."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.integration.runtime.world import Broker, message, until


class Service:
    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}"

    def ask(self, path: str) -> httpx.Response | None:
        try:
            return httpx.get(self._url + path, timeout=10)
        except httpx.TransportError:
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
def service(bootstrap: str, topic: str, database: str, schema: str, mode: str = "works") -> Iterator[Service]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.integration.runtime.small_service",
            topic,
            database,
            schema,
            mode,
            str(port),
        ],
        env=os.environ | {"BROKER": bootstrap},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Service(process, port)
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def test_works_is_measured_and_stops_on_sigterm(broker: Broker, database: str, schema: str) -> None:
    topic = broker.topic()
    broker.write([message(topic, number) for number in range(100)])
    with service(broker.settings.bootstrap_servers, topic, database, schema) as running:
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


def test_is_alive_but_not_ready_without_its_database_and_still_stops(broker: Broker, schema: str) -> None:
    topic = broker.topic()
    broker.write([message(topic, 1)])
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    with service(broker.settings.bootstrap_servers, topic, nowhere, schema) as running:
        until(lambda: running.ask("/health/live"), "it is alive")
        ready = running.ask("/health/ready")
        assert ready is not None
        assert ready.status_code == 503
        assert "PostgreSQL does not answer" in ready.json()["problems"]["database"]
        code, seconds = running.end(signal.SIGINT)
    assert code == 0
    assert seconds < 10


def test_a_worker_that_dies_takes_the_process_down(broker: Broker, database: str, schema: str) -> None:
    topic = broker.topic()
    broker.write([message(topic, 1)])
    with service(broker.settings.bootstrap_servers, topic, database, schema, "dies") as running:
        assert running.process.wait(30) == 1


def test_the_watchdog_ends_a_process_whose_consumer_hangs(broker: Broker, database: str, schema: str) -> None:
    topic = broker.topic()
    broker.write([message(topic, 1)])
    with service(broker.settings.bootstrap_servers, topic, database, schema, "hangs") as running:
        assert running.process.wait(40) == 1
        assert running.process.stdout
        log = running.process.stdout.read()
    assert "has not moved" in log


def test_a_port_that_is_taken_is_an_error(broker: Broker, database: str, schema: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = subprocess.run(
            [
                *(sys.executable, "-m", "tests.integration.runtime.small_service"),
                *(broker.topic(), database, schema, "works", str(taken.getsockname()[1])),
            ],
            env=os.environ | {"BROKER": broker.settings.bootstrap_servers},
            timeout=40,
            check=False,
        )
    assert process.returncode == 1
