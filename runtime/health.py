"""Whether the process lives, and whether it can do its job now."""

from collections.abc import Callable

Check = Callable[[], str | None]


class Health:
    """Named checks; each returns None when fine, else the reason in words an operator understands.

    A check must return within a few seconds; it runs on every question of a supervisor.
    """

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Readiness depends on this check too."""
        self._checks[name] = check

    def problems(self) -> dict[str, str]:
        """What is not ready, and why; empty when the service can do its job."""
        found: dict[str, str] = {}
        for name, check in self._checks.items():
            reason = _reason(check)
            if reason is not None:
                found[name] = reason
        return found


def _reason(check: Check) -> str | None:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a check that fails is an answer, not an accident
        return f"the check failed ({type(error).__name__})"
