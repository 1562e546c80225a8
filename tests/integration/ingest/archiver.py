"""The process that archives, as the tests start it."""

import os
import signal
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2

from sandbox.processes import free_port, spawn, stop


class Archiver(AbstractContextManager["Archiver"]):
    def __init__(self, bootstrap: str, database: str, folder: Path) -> None:
        self._url = f"http://127.0.0.1:{(port := free_port())}/health/ready"
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "DATABASE_URL": database,
            "INSTANCE": "1",
            "OPS_PORT": str(port),
        }
        self._process = spawn(
            [sys.executable, "-m", "services.ingest.archiver"],
            log=folder / "archive.log",
            environment=os.environ | environment,
        )

    def __exit__(self, *_: object) -> None:
        stop(self._process, signal.SIGTERM)

    def kill(self) -> None:
        """As a machine would that loses its power."""
        stop(self._process, signal.SIGKILL)

    def is_ready(self) -> bool:
        try:
            return httpx2.get(self._url).is_success
        except httpx2.TransportError:
            return False
