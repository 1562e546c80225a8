"""How a server of ours is started, ended and started again on the same data and port."""

import shutil
import signal
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

from sandbox.processes import stop

if TYPE_CHECKING:
    import subprocess


class EmbeddedServer(ABC):
    """One process over one folder. As a context manager it is started on entry and closed on exit."""

    STOP: ClassVar[signal.Signals]
    """Shuts the server down in order."""
    KILL: ClassVar[signal.Signals]
    """Ends it at once, as a crash would: its next start recovers."""

    def __init__(self, folder: Path, *, is_temporary: bool) -> None:
        self.folder = folder
        self._is_temporary = is_temporary
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> None:
        """Start the server and return when it serves."""

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it is stopped."""
        return self._process.pid if self._process else None

    def stop(self) -> None:
        """Shut the server down in order."""
        self._end(self.STOP)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self._end(self.KILL)

    def restart(self) -> None:
        """Stop and start on the same data and port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server; a temporary folder is removed, so nothing need be put in order there before."""
        if self._is_temporary:
            self.kill()
            shutil.rmtree(self.folder)
        else:
            self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(self, how: signal.Signals) -> None:
        if self._process:
            stop(self._process, how)
            self._process = None
