"""Keeps child processes running: what ends is started again, as a container's restart policy would."""

import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.processes import spawn, stop

_LOOK_EVERY_SECONDS = 0.1
_RESTART_AFTER_SECONDS = 0.5


@dataclass
class _Child:
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    start_at: float = field(default_factory=time.monotonic)


class Supervisor:
    """Starts, watches and restarts processes, from one thread that lives as long as they should."""

    def __init__(self) -> None:
        self._children: dict[str, _Child] = {}
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def run(self, name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> None:
        """Start `command` under a name and keep it running; its output is appended to `log`."""
        with self._lock:
            self._children[name] = _Child(command, environment, log)

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Signal one process; unless it ignores the signal it is started again."""
        with self._lock:
            process = self._children[name].process
        if process is not None and process.poll() is None:
            process.send_signal(how)

    def restarts(self, name: str) -> int:
        """How often a process was started again."""
        with self._lock:
            return max(self._children[name].starts - 1, 0)

    def stop(self, *, timeout_seconds: float = 15) -> dict[str, float]:
        """End all processes in order (SIGTERM, later SIGKILL); seconds each took. None is started again."""
        self._ending.set()
        self._thread.join()
        running = {name: child.process for name, child in self._children.items() if child.process}
        began = time.monotonic()
        for process in running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        took = {}
        for name, process in running.items():
            left = max(timeout_seconds - (time.monotonic() - began), 0.1)
            stop(process, signal.SIGTERM, timeout_seconds=left)
            took[name] = time.monotonic() - began
        return took

    def _watch(self) -> None:
        while not self._ending.wait(_LOOK_EVERY_SECONDS):
            with self._lock:
                for child in self._children.values():
                    self._look_after(child)

    @staticmethod
    def _look_after(child: _Child) -> None:
        now = time.monotonic()
        if child.process is not None and child.process.poll() is not None:
            child.process = None
            child.start_at = now + _RESTART_AFTER_SECONDS
        if child.process is None and now >= child.start_at:
            child.process = spawn(child.command, log=child.log, environment=child.environment)
            child.starts += 1
