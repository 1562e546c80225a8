"""The ingest service as a process, what it was given, and what it wrote."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

import httpx2
import psutil

from cli.topic_reading import records_of
from runtime.cloudevents import Event, decode, to_message
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Record, header
from runtime.tracing import new_traceparent
from sandbox.processes import free_port, spawn, stop
from schemas.event import Event as Contract
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.scales import Metric
from schemas.survey_link import sign

KEY = "fr_of_the_tests"
SOURCE = "crm"
WIDGET_SECRET = "signs who is signed in, in these tests"  # noqa: S105 - made for this process
TOKEN_SECRET = "signs the links of these tests, only"  # noqa: S105 - made for this process
CONFIG_DIR = Path("deploy/config")
PERSON_KEY_SECRET = "keeps persons apart in these tests"  # noqa: S105 - made for this process
START_SECONDS = 60.0
PATIENCE_SECONDS = 30.0

VISITORS_SURVEY = """
  anonymous:
    program: website_visitors
    metric: csat
    question: { en: "How satisfied are you with what you found here?" }
    follow_up: { en: "What were you looking for?" }
    share: 1
"""

E = TypeVar("E", bound=Contract)


class Ingest:
    """One process, and an HTTP client that holds a key to it. `config` has its YAML and its secrets."""

    def __init__(self, bootstrap: str, database: str, folder: Path, config: Path = CONFIG_DIR) -> None:
        self.bootstrap = bootstrap
        self.database = database
        self.product = f"http://127.0.0.1:{free_port()}"
        """Origin of the product that the widget is part of; nobody serves it yet."""
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.log = folder / "ingest.log"
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "DATABASE_URL": database,
            "INSTANCE": "1",
            "SECRETS_DIR": str(config),
            "BUSINESS_CLOCK": "shiftable",
            "CONFIG_DIR": str(_with_visitors_survey(config, folder / "config-of-ingest")),
            "WIDGET_SECRET": WIDGET_SECRET,
            "WIDGET_ORIGINS": self.product,
            "INGEST_PORT": str(port),
            "INGEST_API_KEYS": f"{SOURCE}:{sha256(KEY.encode()).hexdigest()}",
            "PERSON_KEY_SECRET": PERSON_KEY_SECRET,
            "SURVEY_TOKEN_SECRET": TOKEN_SECRET,
        }
        self._process = spawn(
            [sys.executable, "-m", "services.ingest"], log=self.log, environment=os.environ | environment
        )
        self.http = httpx2.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=PATIENCE_SECONDS,
            limits=httpx2.Limits(max_connections=None),
        )
        try:
            eventually(self.is_ready, seconds=START_SECONDS)
        except AssertionError:
            self.close()
            raise

    def is_ready(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            return self.http.get("/health/ready").is_success
        except httpx2.TransportError:
            return False

    def memory_mib(self) -> float:
        """What the process holds in memory."""
        return int(psutil.Process(self._process.pid).memory_info().rss) / 2**20

    def close(self) -> None:
        self.http.close()
        stop(self._process, signal.SIGTERM)

    def kill(self) -> None:
        """As a machine would that loses its power."""
        self.http.close()
        stop(self._process, signal.SIGKILL)

    def records(self, topic: str) -> list[Record]:
        """Everything on a topic, read to the ends of now."""
        return records(self.bootstrap, topic)

    def events(self, model: type[E]) -> list[E]:
        """Everything on a model's topic."""
        return [decode(record, {model.TYPE: model}) for record in self.records(model.TOPIC) if record.value]

    def events_of(self, model: type[E]) -> list[E]:
        """Those of one type, on a topic that holds several."""
        found = [
            one for one in self.records(model.TOPIC) if header(one.headers, "ce_type") == model.TYPE.encode()
        ]
        return [decode(record, {model.TYPE: model}) for record in found]

    def ask(self, **changes: object) -> SurveyRequested:
        """Publishes a survey request, as the scheduler does."""
        request = survey_request(**changes)
        self.publish(request)
        return request

    def publish(self, event: Event | SurveyRequested | SurveyRequestCancelled) -> None:
        message = to_message(event, source="/tests", traceparent=new_traceparent())
        to = producer(KafkaSettings(self.bootstrap, "tests"))
        try:
            assert deliver(to, [message]) == [None]
        finally:
            close(to)


def records(bootstrap: str, topic: str) -> list[Record]:
    """Everything on a topic, read to the ends of now."""
    return [*records_of(bootstrap, topic)]


def _with_visitors_survey(config: Path, copy: Path) -> Path:
    """A copy of the configuration, shipped where `config` has nothing of its own, that asks visitors too."""
    for given in (CONFIG_DIR, config):
        shutil.copytree(given, copy, dirs_exist_ok=True)
    with (copy / "survey.yaml").open("a") as file:
        file.write(VISITORS_SURVEY)
    return copy


def survey_request(**changes: object) -> SurveyRequested:
    now = datetime.now(UTC)
    given: dict[str, object] = {
        "request_id": uuid4(),
        "version": 1,
        "person_key": "p-1",
        "account_id": "a-77",
        "program": "relationship",
        "metric": Metric.NPS,
        "channel": "email",
        "question": "How likely are you to recommend us?",
        "follow_up_question": "What is the main reason?",
        "why_we_ask": "You have been with us for 30 days.",
        "requested_at": now,
        "expires_at": now + timedelta(days=7),
        "closes_at": now + timedelta(days=14),
    }
    return SurveyRequested.model_validate(given | changes)


def path(request_id: UUID, *, valid_for: timedelta = timedelta(days=30)) -> str:
    """The survey's address, as the router writes it into a mail."""
    return f"/s/{sign(TOKEN_SECRET.encode(), request_id, datetime.now(UTC) + valid_for)}"


def eventually(holds: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
