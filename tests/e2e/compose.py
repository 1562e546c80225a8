"""`make e2e-compose`: docker-compose.yml as a new installation with the sandbox, checked and removed again.

Images are those of docker-compose.yml unless the environment names others (KAFKA_IMAGE, ...).
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
from rich.console import Console

from sandbox.demo_play import Site, play, show
from sandbox.processes import free_port, temporary_folder
from sandbox.stack import SERVICES

ROOT = Path(__file__).parents[2]
PARTS = (
    ".dockerignore",
    "docker-compose.yml",
    "deploy",
    "requirements",
    "runtime",
    "schemas",
    "services",
    "sandbox",
    "cli",
)
PORTS = ("INGEST_PORT", "CLASSIFIER_PORT", "ROUTER_PORT", "SCHEDULER_PORT", "SANDBOX_PORT", "PROMETHEUS_PORT")
KAFKA_PORT = "KAFKA_HOST_PORT"
BUILT = ("jobs", *SERVICES, "sandbox")
UP_WITHIN_SECONDS = 600
SCRAPED_WITHIN_SECONDS = 60
# The doubles' limits are the real services': with them, some hundred cards take minutes.
RAISED_LIMITS = ("SLACK_CALLS_PER_SECOND", "SALESFORCE_CALLS_PER_SECOND", "SANDBOX_RATE_FACTOR")
# Kafka is not reachable from outside; this check reads the topics.
OVERRIDE = """\
services:
  kafka:
    environment:
      KAFKA_LISTENERS: PLAINTEXT://:9092,CONTROLLER://:9093,HOST://:9094
      KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://kafka:9092,HOST://127.0.0.1:${KAFKA_HOST_PORT}
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,HOST:PLAINTEXT
      KAFKA_INTER_BROKER_LISTENER_NAME: PLAINTEXT
    ports: ["127.0.0.1:${KAFKA_HOST_PORT}:9094"]
"""

console = Console()


@dataclass(frozen=True)
class Installation:
    """A folder with everything `docker compose` needs, and nothing of the checkout's own .env or secrets."""

    folder: Path
    project: str
    ports: dict[str, int]
    api_key: str

    def compose(self, *arguments: str, capture: bool = False) -> str:
        """Run `docker compose`; raises CalledProcessError."""
        done = subprocess.run(
            ["docker", "compose", "--progress", "quiet", "--project-name", self.project, *arguments],  # noqa: S607 - the user's docker
            cwd=self.folder,
            check=True,
            text=True,
            stdout=subprocess.PIPE if capture else None,
        )
        return done.stdout or ""

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}"


def main() -> int:
    """0 when all that was put in came out; 1 on a difference; 2 when it could not be tried."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:  # noqa: S607
        sys.stderr.write(
            "`docker compose` does not answer; without Docker, `make demo ONCE=1` checks the same\n"
        )
        return 2
    began = time.monotonic()
    with installation() as installed:
        try:
            installed.compose(
                "up", "--build", "--wait", "--wait-timeout", str(UP_WITHIN_SECONDS), "--quiet-pull"
            )
            console.print(f"  up and healthy after {time.monotonic() - began:.0f} s")
            wrong = check(installed)
        except subprocess.CalledProcessError as error:
            console.print(f"[red]{error}[/red]")
            wrong = ["docker compose failed"]
        if wrong:
            show_state(installed)
        for sentence in wrong:
            console.print(f"[red]{sentence}[/red]")
    console.print(f"  {time.monotonic() - began:.0f} s in all")
    return 1 if wrong else 0


def show_state(installed: Installation) -> None:
    """What may explain a failure."""
    installed.compose("ps", "--all")
    for service in SERVICES:
        with suppress(httpx2.TransportError):
            ready = httpx2.get(f"{installed.url(f'{service.upper()}_PORT')}/health/ready", timeout=10)
            console.print(f"{service}: {ready.text}", markup=False)
    installed.compose("logs", "--tail", "20", "--no-color", *SERVICES)


def check(installed: Installation) -> list[str]:
    """The demo's story and its table, then what only containers have; returns what is wrong."""
    site = Site(
        ingest=installed.url("INGEST_PORT"),
        sandbox=installed.url("SANDBOX_PORT"),
        brokers=f"127.0.0.1:{installed.ports[KAFKA_PORT]}",
        api_key=installed.api_key,
    )
    outcome = play(site, console)
    show(outcome, console)
    wrong = ["the table is not as it must be"] if outcome.differences else []
    return [*wrong, *not_scraped(installed.url("PROMETHEUS_PORT")), *not_stopped_by_itself(installed)]


def not_scraped(prometheus: str) -> list[str]:
    """Services of which Prometheus does not know that they are ready."""
    deadline = time.monotonic() + SCRAPED_WITHIN_SECONDS
    while True:
        answer = httpx2.get(f"{prometheus}/api/v1/query", params={"query": "feedback_ready == 1"}, timeout=10)
        ready = {one["metric"]["service"] for one in answer.raise_for_status().json()["data"]["result"]}
        missing = [f"Prometheus does not see a ready {name}" for name in SERVICES if name not in ready]
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(1)


def not_stopped_by_itself(installed: Installation) -> list[str]:
    """Services that had to be killed, or ended with an error, when they were told to stop."""
    installed.compose("stop", *SERVICES)
    states = [
        json.loads(line)
        for line in installed.compose("ps", "--all", "--format", "json", *SERVICES, capture=True).splitlines()
    ]
    return [
        f"{state['Service']} ended with {state['ExitCode']} when it was stopped"
        for state in states
        if state["ExitCode"]
    ]


@contextmanager
def installation() -> Iterator[Installation]:
    """A new installation with the sandbox as its outside world; containers and volumes end with the block."""
    folder = temporary_folder("compose")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    # As in the demo: programs that ask on any day at any hour.
    shutil.copy(ROOT / "sandbox" / "sample" / "programs.yaml", folder / "deploy" / "config")
    (folder / "docker-compose.override.yml").write_text(OVERRIDE)
    said = subprocess.run(
        [sys.executable, "-m", "cli", "init", "--dir", folder, "--source", "sample", "--demo"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    installed = Installation(
        folder=folder,
        project=f"feedback-router-e2e-{os.getpid()}",
        ports={name: free_port() for name in (*PORTS, KAFKA_PORT)},
        api_key=next(word for word in said.split() if word.startswith("fr_")),
    )
    settings = {
        **{name: str(port) for name, port in installed.ports.items()},
        **{f"{name.upper()}_IMAGE": f"feedback-router-e2e-{name}" for name in BUILT},
        **dict.fromkeys(RAISED_LIMITS, "100000"),
        "SALESFORCE_RESPONSE_CALLS_PER_SECOND": "2",
        "STORM_PEOPLE": "0",  # the sample's answers come at once, and each card is counted
        "PUBLIC_URL": installed.url("INGEST_PORT"),
    }
    with (folder / ".env").open("a") as env:
        env.writelines(f"{name}={value}\n" for name, value in settings.items())
    try:
        yield installed
    finally:
        installed.compose("down", "--volumes", "--remove-orphans", "--timeout", "15")
        shutil.rmtree(folder)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
