"""Whatever ends the parent, SIGKILL included, its embedded servers end too."""

import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

_POSTGRES = """
import time
from sandbox.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres()
server.start()
print(server.pid, server.folder, flush=True)
time.sleep(60)
"""
_ANY_PROGRAM = """
import pathlib, tempfile, time
from sandbox.processes import spawn
folder = pathlib.Path(tempfile.mkdtemp())
print(spawn(["sleep", "60"], log=folder / "log").pid, folder, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
@pytest.mark.parametrize(
    "program", [_ANY_PROGRAM, _POSTGRES], ids=["any program", "PostgreSQL as another user"]
)
def test_a_killed_parent_leaves_no_child(program: str) -> None:
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        child = psutil.Process(int(pid))
        assert child.is_running()
        parent.kill()
    _, alive = psutil.wait_procs([child], timeout=20)
    shutil.rmtree(Path(folder))
    assert alive == []
