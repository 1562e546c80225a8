"""Child processes that never outlive the process that started them."""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

# Below every common ephemeral range: the kernel can connect a client that keeps dialling a stopped server on
# an ephemeral port to itself, and then that client holds the port the server wants back.
_PORTS = range(20_000, 32_000)


class EmbeddedServerError(Exception):
    """An embedded server did not start or stop; the message ends with the last lines of its log."""


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nobody else gets as long as this process runs.

    The port stays bound, which lets a server of ours listen on it, now and after a restart, and every other
    process that asks here look further.
    """
    while True:
        port = random.choice(_PORTS)  # noqa: S311 - a port number is no secret
        reservation = socket.socket()
        try:
            reservation.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            continue
        # After the bind: it must find the port taken where another process has reserved it.
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.detach()  # open, as nobody closes it, until the process ends
        return port


def temporary_folder(kind: str, parent: Path | None = None) -> Path:
    """Make a folder that this process removes when done; remove those that killed processes have left.

    Args:
        kind: a short name, by which leftovers are known.
        parent: where; default: the system's folder for temporary files.
    """
    parent = parent or Path(tempfile.gettempdir())
    for folder in parent.glob(f"feedback-{kind}-*-*"):
        if not _runs(folder.name.split("-")[2]):
            shutil.rmtree(folder, ignore_errors=True)  # another user's stay
    return Path(tempfile.mkdtemp(prefix=f"feedback-{kind}-{os.getpid()}-", dir=parent))


def _runs(process_id: str) -> bool:
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    on_orphaned: signal.Signals = signal.SIGTERM,
    user_id: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, its output appended to `log`.

    On Linux the kernel sends it `on_orphaned` when the thread that called this ends, even by SIGKILL, so call
    it from a thread that lives as long as the child should. Elsewhere only a regular stop ends it.
    """

    def tie_to_parent() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, on_orphaned)

    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
            preexec_fn=tie_to_parent,  # noqa: PLW1509 - one system call, no lock taken between fork and exec
            user=user_id,
            group=user_id,
            extra_groups=None if user_id is None else [],
        )


def stop(process: subprocess.Popen[bytes], how: signal.Signals, *, timeout_seconds: float = 15) -> None:
    """Signal `process` with `how` and wait for its end; SIGKILL it after `timeout_seconds`."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], *, log: Path, timeout_seconds: float = 120
) -> None:
    """Poll `ready` until it holds; if `process` ends or the time runs out first, end it and raise.

    Raises:
        EmbeddedServerError: with the last lines of `log`.
    """
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        ended = process.poll()
        if ended is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            state = (
                f"ended with status {ended}" if ended is not None else f"not ready in {timeout_seconds:g} s"
            )
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise EmbeddedServerError(f"{process.args!r}: {state}. End of {log}:\n{tail}")
        time.sleep(0.05)
