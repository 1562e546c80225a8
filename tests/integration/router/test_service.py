"""The router as processes, on Kafka and PostgreSQL, with a marketing endpoint that counts what it gets."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import httpx2
import psycopg
import pytest

from runtime.cloudevents import Event, to_message
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.migrations import migrate
from runtime.tracing import new_traceparent
from sandbox.processes import free_port, spawn, stop
from schemas.classified import ResponseClassified
from schemas.event import NAMESPACE, derived_id
from schemas.profiles import ProfileChanged
from schemas.responses import Order, ResponseRecorded
from schemas.scales import Metric, group_of
from tests.integration.router.world import until

OPERATOR_KEY = "o" * 32
START_SECONDS = 60.0
NOW = datetime.now(UTC)


class Receiver:
    """Marketing: answers 204 and counts every webhook by its id."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.may_answer = threading.Event()
        self.may_answer.set()
        received, may_answer = self.received, self.may_answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                received[self.headers["webhook-id"]] += 1
                may_answer.wait(60)
                self.send_response(204)
                self.end_headers()

            def handle(self) -> None:
                with suppress(ConnectionResetError):  # a killed router hangs up without a word
                    super().handle()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()


class Replica:
    """One router process."""

    def __init__(self, name: str, environment: dict[str, str], folder: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self._log = folder / f"{name}.log"
        self.process = spawn(
            [sys.executable, "-m", "services.router"],
            log=self._log,
            environment=os.environ | environment | {"INSTANCE": name, "OPS_PORT": str(port)},
        )

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        try:
            return httpx2.get(f"{self.url}/health/ready", timeout=2).status_code == 200
        except httpx2.TransportError:
            return False

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(f"{self.url}{path}", timeout=5, headers={"authorization": f"Bearer {OPERATOR_KEY}"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def environment(topics: str, database: str, receiver: Receiver) -> dict[str, str]:
    migrate(database, "router")
    return {
        "KAFKA_BOOTSTRAP_SERVERS": topics,
        "DATABASE_URL": database,
        "SURVEY_TOKEN_SECRET": "k" * 32,
        "ROUTER_OPERATOR_KEY": OPERATOR_KEY,
        "DELIVERY_MODE": "live",
        "MARKETING_ALLOW_PRIVATE_HOSTS": "127.0.0.1",
        "MARKETING_URL": receiver.url,
        "MARKETING_SECRET": "whsec_" + "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5",
        "MARKETING_CALLS_PER_SECOND": "1000",
    }


@contextmanager
def replicas(count: int, environment: dict[str, str], folder: Path) -> Iterator[list[Replica]]:
    started = [Replica(str(number), environment, folder) for number in range(count)]
    try:
        until(lambda: all(replica.is_ready() for replica in started), START_SECONDS)
        yield started
    finally:
        for replica in started:
            stop(replica.process, signal.SIGKILL)


def publish(bootstrap: str, events: Iterable[Event]) -> None:
    writer = producer(KafkaSettings(bootstrap, "tests"))
    failed = deliver(
        writer, [to_message(event, source="/tests", traceparent=new_traceparent()) for event in events]
    )
    close(writer)
    assert not any(failed)


def promoter(number: int) -> list[Event]:
    """A person's profile and, right after it, the same person's answer."""
    person = f"person {number}"
    response = ResponseRecorded(
        response_id=_response_id(number),
        person_key=person,
        source="tests",
        source_id=str(number),
        order=Order(revision=1, tie=1),
        metric=Metric.NPS,
        score=10,
        responded_at=NOW,
        received_at=NOW,
    )
    return [
        ProfileChanged(person_key=person, version=1, changed_at=NOW, segment="gold"),
        ResponseClassified(response=response, classification_version=1, group=group_of(Metric.NPS, 10)),
    ]


def _response_id(number: int) -> UUID:
    return derived_id(NAMESPACE, "router test", number)


def ask(database: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database, options="-c search_path=router") as connection:
        return connection.execute(statement.encode()).fetchall()


def test_every_answer_is_delivered_though_one_of_two_routers_is_killed(
    environment: dict[str, str], receiver: Receiver, tmp_path: Path
) -> None:
    bootstrap, database = environment["KAFKA_BOOTSTRAP_SERVERS"], environment["DATABASE_URL"]
    total = 600
    with replicas(2, environment, tmp_path) as (first, second):
        publish(bootstrap, [event for number in range(300) for event in promoter(number)])
        until(lambda: ask(database, "SELECT count(*) FROM plans") == [(300,)], 60)
        segments = ask(database, "SELECT DISTINCT facts->'profile'->>'segment' FROM plans")
        assert segments == [("gold",)], "every plan knew the profile published just before the answer"

        publish(bootstrap, [event for number in range(300, total) for event in promoter(number)])
        stop(first.process, signal.SIGKILL)
        until(lambda: len(receiver.received) == total, 90)
        until(lambda: ask(database, "SELECT count(*) FROM pending") == [(0,)], 90)
        statuses = "SELECT status, count(*) FROM effects WHERE destination = 'marketing' GROUP BY status"
        assert ask(database, statuses) == [("delivered", total)]

        told = second.get(f"/v1/deliveries?subject=response:{_response_id(1)}").json()["items"]
        (found,) = [one for one in told if one["destination"] == "marketing"]
        delivery = second.get(f"/v1/deliveries/{found['effect_id']}").json()
        assert delivery["status"] == "delivered"
        assert [attempt["result"] for attempt in delivery["attempts"]][-1] == "delivered"

        states = {one["name"]: one for one in second.get("/v1/destinations").json()}
        assert states["marketing"]["enabled"]
        assert "SLACK_BOT_TOKEN" in states["slack"]["reason"]
        assert 'feedback_destination_up{destination="marketing"} 1.0' in second.get("/metrics").text

        receiver.may_answer.clear()
        publish(bootstrap, promoter(total))
        until(lambda: len(receiver.received) > total, 30)
        began = time.monotonic()
        stop(second.process, signal.SIGTERM)
        assert second.process.returncode == 0
        assert time.monotonic() - began < 10, "a call that hangs must not hold up the end"


def test_a_broken_rules_file_keeps_the_router_from_starting(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "destinations.yaml").write_text("{}")
    (config / "people.yaml").write_text("teams: {cs: {name: CS}}")
    (config / "rules.yaml").write_text(
        "rules:\n  - id: one\n    why: x\n    when: response.skore > 1\n    do: []\n"
    )
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "SURVEY_TOKEN_SECRET": "k" * 32,
        "CONFIG_DIR": str(config),
    }
    log = tmp_path / "router.log"
    process = spawn([sys.executable, "-m", "services.router"], log=log, environment=os.environ | environment)

    assert process.wait(60) == 2
    assert "rules.yaml:4: rules.0.when: unknown fact response.skore" in log.read_text()
