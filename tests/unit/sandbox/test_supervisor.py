import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.supervisor import Supervisor

COUNTING = """
import signal, sys, time
open(sys.argv[1], "a").write("x")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
time.sleep(60)
"""


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    under_test = Supervisor()
    yield under_test
    under_test.stop(timeout_seconds=5)


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_killed_is_started_again_and_what_is_stopped_is_not(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    supervisor.run("a", [sys.executable, "-c", COUNTING, str(marks)], environment={}, log=tmp_path / "log")
    until(marks.exists)
    supervisor.kill("a", signal.SIGKILL)
    until(lambda: marks.read_text() == "xx")
    assert supervisor.restarts("a") == 1
    took = supervisor.stop(timeout_seconds=5)
    assert took["a"] < 5
    assert marks.read_text() == "xx"


def test_what_ignores_the_polite_signal_is_ended_all_the_same(supervisor: Supervisor, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    stubborn = COUNTING.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN").replace(
        'open(sys.argv[1], "a").write("x")', "pass"
    )
    stubborn = stubborn.replace("time.sleep(60)", 'open(sys.argv[1], "a").write("x"); time.sleep(60)')
    supervisor.run("a", [sys.executable, "-c", stubborn, str(marks)], environment={}, log=tmp_path / "log")
    until(marks.exists)
    assert supervisor.stop(timeout_seconds=0.5)["a"] >= 0.5
