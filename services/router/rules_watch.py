"""Takes up rules and templates that were edited while the router runs.

A broken file changes nothing: the last good ones stay in use, and the log says what is wrong and where. What
was planned keeps its place by the ids of rules and actions, so a change never alerts a second time.
"""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from runtime.yaml_file import ConfigError
from services.router import metrics
from services.router.plan import Playbook

EVERY_SECONDS = 5.0

log = structlog.get_logger(__name__)


class RulesWatch:
    """The worker. `load` reads the playbook of the folder, or raises runtime.yaml_file.ConfigError."""

    def __init__(self, folder: Path, load: Callable[[], Playbook]) -> None:
        self._folder = folder
        self._load = load
        self._seen = _digest(folder)
        self._use: Callable[[Playbook], None] = lambda _playbook: None

    def tell(self, use: Callable[[Playbook], None]) -> None:
        """Hand what is taken up from now on to `use`."""
        self._use = use

    def run(self, stop: threading.Event) -> None:
        """Looks every few seconds until `stop`."""
        while not stop.wait(EVERY_SECONDS):
            self.look()

    def look(self) -> None:
        """Take up what has changed since the last look, if anything."""
        digest = _digest(self._folder)
        if digest == self._seen:
            return
        self._seen = digest
        try:
            playbook = self._load()
        except ConfigError as error:
            metrics.RULES_REFUSED.set(1)
            log.error("rules refused, the last good ones stay in use", problems=str(error))  # noqa: TRY400 - it is the user's file that is wrong
            return
        metrics.RULES_REFUSED.set(0)
        self._use(playbook)
        log.info("rules taken up", version=playbook.rules.version)


def _digest(folder: Path) -> str:
    """Of rules.yaml and the templates. A file that cannot be read now counts as one of another content."""
    found = hashlib.sha256()
    for path in (folder / "rules.yaml", *sorted((folder / "templates").glob("*.j2"))):
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        found.update(f"{path.name} {len(content)} ".encode() + content)
    return found.hexdigest()
