"""What was called, how it ended and which fault struck: counters for ever, details for the latest."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.faults import Double, Kind


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a double. `result` is `ok` or the error code answered."""

    double: Double
    operation: str
    result: str
    at: datetime
    seconds: float
    fault: Kind | None


class CallLog:
    """The latest `keep` calls, and counts of all since the last reset."""

    def __init__(self, keep: int) -> None:
        self._latest: deque[Call] = deque(maxlen=keep)
        self._counts: Counter[tuple[Double, str, str]] = Counter()

    def add(
        self, double: Double, operation: str, result: str, *, seconds: float, fault: Kind | None = None
    ) -> None:
        """Note a finished call; `seconds` is how long it was held."""
        self._latest.append(Call(double, operation, result, datetime.now(UTC), seconds, fault))
        self._counts[double, operation, result if fault is None else f"fault:{fault}"] += 1

    def latest(self, double: Double | None = None) -> Iterator[Call]:
        """Newest first."""
        return (call for call in reversed(self._latest) if double in (None, call.double))

    def counts(self, double: Double) -> dict[str, dict[str, int]]:
        """Calls by operation, then by result; a struck call counts as `fault:<kind>`."""
        table: dict[str, dict[str, int]] = {}
        for (of, operation, result), number in sorted(self._counts.items()):
            if of == double:
                table.setdefault(operation, {})[result] = number
        return table

    def clear(self) -> None:
        """Forget everything."""
        self._latest.clear()
        self._counts.clear()
