import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.processes import EmbeddedServerError, free_port, spawn, stop, temporary_folder, wait_until


def _python(program: str, log: Path) -> "subprocess.Popen[bytes]":
    return spawn([sys.executable, "-c", program], log=log)


def test_a_free_port_can_be_listened_on_again_and_again_and_no_client_is_given_it() -> None:
    port = free_port()
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            pass
    assert port < 32_768  # where Linux begins to number clients


def test_a_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = free_port()
    monkeypatch.setattr("sandbox.processes._PORTS", [taken, *range(taken + 1, taken + 50)])
    assert taken not in {free_port() for _ in range(20)}


def test_a_program_that_ends_before_it_is_ready_shows_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = _python("import sys; print('the disk is full'); sys.exit(3)", log)
    with pytest.raises(EmbeddedServerError, match=r"(?s)ended with status 3.*the disk is full"):
        wait_until(lambda: False, process, log=log)


def test_a_program_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    process = _python("import time; time.sleep(60)", tmp_path / "log")
    with pytest.raises(EmbeddedServerError, match=r"not ready in 0\.2 s"):
        wait_until(lambda: False, process, log=tmp_path / "log", timeout_seconds=0.2)
    assert process.returncode == -signal.SIGKILL


def test_a_program_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)"
    process = _python(f"import signal, time; {ignore}; time.sleep(60)", log)
    wait_until(lambda: b"deaf" in log.read_bytes(), process, log=log)
    began = time.monotonic()
    stop(process, signal.SIGTERM, timeout_seconds=0.2)
    assert process.returncode == -signal.SIGKILL
    assert time.monotonic() - began < 10


def test_folders_of_dead_processes_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, used = tmp_path / f"feedback-kafka-{dead.pid}-a", tmp_path / f"feedback-kafka-{os.getpid()}-b"
    others = tmp_path / f"feedback-postgres-{dead.pid}-c"
    for folder in (left, used, others):
        (folder / "data").mkdir(parents=True)
    mine = temporary_folder("kafka", tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([mine, used, others])
