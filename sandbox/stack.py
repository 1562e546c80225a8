"""The whole product on one machine: Kafka, PostgreSQL, the doubles and every service as processes."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from sandbox.client import Credentials
from sandbox.embedded_kafka import EmbeddedKafka
from sandbox.embedded_postgres import EmbeddedPostgres
from sandbox.processes import EmbeddedServerError, free_port
from sandbox.supervisor import Supervisor

SERVICES = ("ingest", "classifier", "router", "scheduler", "insights")
ROOT = Path(__file__).parents[1]
_READY_WITHIN_SECONDS = 120
_RAISED = "100000"

Say = Callable[[str], None]


class Stack:
    """Everything the product needs, started in order on entry, stopped in order on exit.

    Kafka and PostgreSQL that the environment names are used instead of embedded ones, and left as they are.

    Args:
        folder: logs and what must outlive a process, made when missing.
        replicas: processes of each service.
        services: which of them run, the archive beside ingest; the topics and tables of all are there.
        settings: environment variables that override the stack's own.
        say: told what is being started.
    """

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int = 1,
        services: Sequence[str] = SERVICES,
        settings: Mapping[str, str] | None = None,
        say: Say = lambda _: None,
    ) -> None:
        self.folder = folder
        self.api_key = f"fr_{secrets.token_urlsafe(24)}"
        self.pages_password = secrets.token_urlsafe(12)
        self.kafka: EmbeddedKafka | None = None
        self.postgres: EmbeddedPostgres | None = None
        self.supervisor: Supervisor | None = None
        self._replicas = replicas
        self._services = services
        self._overrides = dict(settings or {})
        self._say = say
        self._ports: dict[str, int] = {}
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url(self, service: str, slot: int = 1) -> str:
        """Base URL of a service's replica, or of the `sandbox` or the `archive`, of which there is one."""
        return f"http://127.0.0.1:{self._ports[_name(service, slot)]}"

    def processes(self, service: str) -> list[str]:
        """Names under which the supervisor knows the replicas of a service."""
        return [_name(service, slot) for slot in range(1, self._replicas + 1)]

    def wait_until_ready(self, *, seconds: float = _READY_WITHIN_SECONDS) -> None:
        """Wait until every process says that it can do its job.

        Raises EmbeddedServerError with the end of its log when one does not within `seconds`.
        """
        deadline = time.monotonic() + seconds
        archive = ["archive"] if "ingest" in self._services else []
        running = [
            "sandbox",
            *archive,
            *(name for service in self._services for name in self.processes(service)),
        ]
        with httpx2.Client(timeout=2) as client:
            for name in running:
                while not _is_ready(client, self._ports[name]):
                    if time.monotonic() > deadline:
                        raise EmbeddedServerError(
                            f"{name} is not ready after {seconds:g} s.\n{self._tail(name)}"
                        )
                    time.sleep(0.1)

    def stop(self) -> None:
        """Stop the services, then what they stand on."""
        if self.supervisor:
            self.supervisor.stop()
            self.supervisor = None
        if self.kafka:
            self.kafka.close()
            self.kafka = None
        if self.postgres:
            self.postgres.close()
            self.postgres = None

    def _start(self) -> None:
        names = ["sandbox", "archive", *(name for service in SERVICES for name in self.processes(service))]
        self._ports = {name: free_port() for name in names}
        self._ports["smtp"] = free_port()
        self._say("PostgreSQL")
        database = os.environ.get("DATABASE_URL") or self._own_postgres()
        self._say("Kafka, and tables meanwhile")
        with ThreadPoolExecutor() as meanwhile:
            tables = meanwhile.submit(self._job, "migrate", {"DATABASE_URL": database})
            # In this thread: a child process dies with the thread that has started it.
            brokers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or self._own_kafka()
            tables.result()
        self._say("topics and services")
        self.environment = self._environment(database, brokers) | self._overrides
        smtp = self._ports.pop("smtp")
        self.supervisor = Supervisor()
        self._run(
            "sandbox",
            "sandbox",
            {"SANDBOX_PORT": str(self._ports["sandbox"])} | {"SANDBOX_SMTP_PORT": str(smtp)},
        )
        self._job("topics", self.environment)
        if "ingest" in self._services:
            port = {"OPS_PORT": str(self._ports["archive"]), "INSTANCE": "1"}
            self._run("archive", "services.ingest.archiver", port)
        for service in self._services:
            for slot, name in enumerate(self.processes(service), start=1):
                port = {"OPS_PORT": str(self._ports[name]), "INGEST_PORT": str(self._ports[name])}
                self._run(name, f"services.{service}", port | {"INSTANCE": str(slot)})
        self.wait_until_ready()

    def _own_postgres(self) -> str:
        self.postgres = EmbeddedPostgres()
        self.postgres.start()
        return self.postgres.url

    def _own_kafka(self) -> str:
        self.kafka = EmbeddedKafka(quick_start=True)
        self.kafka.start()
        return self.kafka.bootstrap_servers

    def _job(self, command: str, environment: Mapping[str, str]) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "cli", command],
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", os.defpath), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EmbeddedServerError(
                f"feedback {command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )

    def _run(self, name: str, module: str, own: Mapping[str, str]) -> None:
        if self.supervisor:
            environment = {**self.environment, **own}
            log = self.folder / f"{name}.log"
            log.unlink(missing_ok=True)
            self.supervisor.run(name, [sys.executable, "-m", module], environment=environment, log=log)

    def _environment(self, database: str, brokers: str) -> dict[str, str]:
        sandbox = f"http://127.0.0.1:{self._ports['sandbox']}"
        credentials = Credentials.generate()
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": database,
            "KAFKA_BOOTSTRAP_SERVERS": brokers,
            "CONFIG_DIR": str(ROOT / "deploy" / "config"),
            "BUSINESS_CLOCK": "shiftable",
            "DELIVERY_MODE": "live",
            "PUBLIC_URL": self.url("ingest"),
            "INGEST_URL": self.url("ingest"),
            "WIDGET_ORIGINS": sandbox,
            "PERSON_KEY_SECRET": secrets.token_hex(32),
            "SURVEY_TOKEN_SECRET": secrets.token_hex(32),
            "ROUTER_OPERATOR_KEY": secrets.token_hex(32),
            "SCHEDULER_OPERATOR_KEY": secrets.token_hex(32),
            "SESSION_SECRET": secrets.token_hex(32),
            "LOCAL_PASSWORD": self.pages_password,
            "LOCAL_EMAIL": "maya.lindqvist@acme.test",
            "ROUTER_URL": self.url("router"),
            "SCHEDULER_URL": self.url("scheduler"),
            "INSIGHTS_URL": self.url("insights"),
            "SLACK_LINKS": json.dumps(
                [
                    {"text": "Open the answer", "url": f"{self.url('insights')}/answers/{{response_id}}"},
                    {"text": "Customer page", "url": f"{self.url('insights')}/people/{{person_key}}"},
                ]
            ),
            "INGEST_API_KEYS": f"sample:{sha256(self.api_key.encode()).hexdigest()}",
            **credentials.for_sandbox(),
            "SLACK_APP_TOKEN": "",  # buttons reach the router over HTTP
            "INTERACTIVITY_URL": f"{self.url('router')}/v1/slack/interactions",
            "EVENTS_URL": f"{self.url('router')}/v1/slack/events",
            **credentials.for_router(sandbox, self._ports["smtp"]),
            # What comes within seconds here stands for a month of a company's answers.
            "STORM_PEOPLE": "0",
            "SLACK_CALLS_PER_SECOND": _RAISED,
            "SALESFORCE_CALLS_PER_SECOND": _RAISED,
            "SALESFORCE_RESPONSE_CALLS_PER_SECOND": "2",
            "HEALTH_CALLS_PER_SECOND": _RAISED,
            "MAIL_CALLS_PER_SECOND": _RAISED,
            "MARKETING_CALLS_PER_SECOND": _RAISED,
            "SANDBOX_RATE_FACTOR": _RAISED,
            "MAIL_FROM": "Acme Software <hello@acme.test>",
        }

    def _tail(self, name: str) -> str:
        log = self.folder / f"{name}.log"
        return (
            "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            if log.exists()
            else "It has no log."
        )


def _name(service: str, slot: int) -> str:
    return service if service in {"sandbox", "archive"} else f"{service}-{slot}"


def _is_ready(client: httpx2.Client, port: int) -> bool:
    try:
        return client.get(f"http://127.0.0.1:{port}/health/ready").status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False
