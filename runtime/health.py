"""Whether the process lives, and whether it can do its job now."""

import threading
from collections.abc import Callable

import structlog

Check = Callable[[], str | None]

log = structlog.get_logger(__name__)


class Health:
    """Named checks; each returns None when fine, else the reason in words an operator understands.

    A check must return within a few seconds; it runs on every question of a supervisor.
    """

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._told: dict[str, str] | None = None
        self._telling = threading.Lock()

    def add(self, name: str, check: Check) -> None:
        """Readiness depends on this check too."""
        self._checks[name] = check

    def problems(self) -> dict[str, str]:
        """What is not ready, and why; empty when the service can do its job.

        Each change is logged once: whoever reads the log afterwards learns what a service waited for.
        """
        found: dict[str, str] = {}
        for name, check in self._checks.items():
            reason = _reason(check)
            if reason is not None:
                found[name] = reason
        self._tell(found)
        return found

    def _tell(self, problems: dict[str, str]) -> None:
        with self._telling:
            if self._told is not None and problems.keys() == self._told.keys():
                return
            self._told = problems
        if problems:
            log.warning("not ready", problems=problems)
        else:
            log.info("ready")


def _reason(check: Check) -> str | None:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a check that fails is an answer, not an accident
        return f"the check failed ({type(error).__name__})"
