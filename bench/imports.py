"""Rows a second from a CSV file through `feedback import` and ingest's API onto Kafka, at flat memory.

The command and ingest run as they are installed, each in a process of its own.
"""

import argparse
import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import psutil

from bench import report
from bench.scratch import scratch_database
from bench.topic import records
from cli.import_columns import Kind, guess
from cli.import_file import headers_of, rows_of
from cli.import_rows import Plan, Reader
from cli.jobs import topic_specs
from runtime.migrations import migrate
from runtime.topics import ensure_topics
from sandbox.embedded_kafka import EmbeddedKafka
from sandbox.embedded_postgres import EmbeddedPostgres
from sandbox.processes import free_port, spawn, stop
from schemas.responses import ResponseRecorded
from schemas.scales import Metric
from services.ingest.api_keys import digest_of, new_key

START_SECONDS = 60
LOOK_EVERY_SECONDS = 0.25
HEADERS = ("id", "score", "comment", "email", "name", "created_at", "plan")


def measure(bootstrap: str, database: str, *, rows: int, folder: Path) -> int:
    """Imports a file and reports; the exit status."""
    migrate(database, "ingest")
    ensure_topics(bootstrap, topic_specs(replication=1))
    file = folder / "answers.csv"
    _write(file, rows)
    reading_per_second = rows / _reading_seconds(file)
    key, port = new_key(), free_port()
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "DATABASE_URL": database,
        "INGEST_PORT": str(port),
        "INGEST_API_KEYS": f"bench:{digest_of(key).hex()}",
        "PERSON_KEY_SECRET": "of this measurement, and of nothing else",
        "SURVEY_TOKEN_SECRET": "of this measurement, and of nothing else",
        "INGEST_URL": f"http://127.0.0.1:{port}",
        "FEEDBACK_API_KEY": key,
    }
    ingest = spawn([sys.executable, "-m", "services.ingest"], log=folder / "log", environment=environment)
    try:
        _await_ready(port)
        started = time.perf_counter()
        command = [sys.executable, "-m", "cli", "import", "history", str(file), "--metric", "nps", "--yes"]
        importing = subprocess.Popen(command, env=environment)
        memory = _watched(importing)
        seconds = time.perf_counter() - started
    finally:
        stop(ingest, signal.SIGTERM)
    if importing.returncode:
        raise RuntimeError(f"feedback import ended with {importing.returncode}")
    half = len(memory) // 2
    return report.publish(
        "imports",
        figures={
            "import_per_second": rows / seconds,
            "reading_per_second": reading_per_second,
            "peak_rss_bytes": max(memory),
            "memory_growth_ratio": max(memory[half:]) / max(memory[:half]),
            "unaccounted_records": rows - records(bootstrap, ResponseRecorded.TOPIC),
        },
        scale={"rows": rows},
        reference="the same file read and mapped, and not sent",
        packages=("httpx2", "fastapi", "pydantic", "aiokafka"),
        at_least={"import_per_second": 10_000},
        at_most={"memory_growth_ratio": 1.2, "unaccounted_records": 0},
    )


def _write(file: Path, rows: int) -> None:
    first = datetime(2025, 1, 1, tzinfo=UTC)
    comment = "Exports have been slow since the last release, and support took four days to answer."
    with file.open("w", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(HEADERS)
        table.writerows(
            (
                f"r-{number}",
                number % 11,
                comment,
                f"person-{number % 5_000}@customer.example",
                "Dana Whitfield",
                (first + timedelta(seconds=number)).isoformat(),
                "team",
            )
            for number in range(rows)
        )


def _reading_seconds(file: Path) -> float:
    plan = Plan(Kind.HISTORY, guess(headers_of(file), Kind.HISTORY).columns, Metric.NPS)
    reader = Reader(plan)
    started = time.perf_counter()
    for row in rows_of(file):
        reader.body(row.cells)
    return time.perf_counter() - started


def _await_ready(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/health/ready").is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(LOOK_EVERY_SECONDS)
    raise RuntimeError(f"ingest is not ready after {START_SECONDS} s")


def _watched(importing: "subprocess.Popen[bytes]") -> list[int]:
    """Resident bytes of the process, looked at until it ends; the first second, its imports, left out."""
    process = psutil.Process(importing.pid)
    memory: list[int] = []
    while importing.poll() is None:
        time.sleep(LOOK_EVERY_SECONDS)
        try:
            memory.append(process.memory_info().rss)
        except psutil.NoSuchProcess:
            break
    importing.wait()
    settled = memory[int(1 / LOOK_EVERY_SECONDS) : -1]
    if len(settled) < 2:  # noqa: PLR2004 - two halves
        raise RuntimeError("too few rows to see the memory grow")
    return settled


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args(arguments)
    with (
        TemporaryDirectory(prefix="feedback-imports-") as folder,
        EmbeddedKafka() as kafka,
        EmbeddedPostgres() as postgres,
        scratch_database(postgres.url) as url,
    ):
        return measure(kafka.bootstrap_servers, url, rows=given.rows, folder=Path(folder))


if __name__ == "__main__":
    sys.exit(main())
