"""How far a consumer has come: written by its loop, read by metrics, health and the watchdog."""

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

SILENT_SECONDS = 30.0
"""A loop that has not gone round for so long is stuck."""
UNHEARD_SECONDS = 5.0
"""A broker that has not answered for so long is away: an idle consumer has no other way to know."""

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """A moment's view of a consumer."""

    lag_records: int
    position: tuple[tuple[Partition, int], ...]
    """Next offset of each partition, after what is processed."""
    waits: int
    """How often the consumer found a dependency down."""


class Progress:
    """Offsets of the partitions a consumer holds. Safe to read from other threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[Partition, int] = {}
        self._done: dict[Partition, int] = {}
        self._oldest: dict[Partition, datetime] = {}
        self._sought: Mapping[Partition, int] | None = None
        self._sought_since = 0.0
        self._fresh_at: float | None = None
        self._waits = 0
        self._waits_for: str | None = None
        self._turned_at = time.monotonic()
        self._unheard_since: float | None = None

    def turned(self) -> None:
        """The loop went round."""
        self._turned_at = time.monotonic()

    def trouble(self, group: str, *, is_member: bool) -> str | None:
        """Why the consumer `group` is not ready, in words for an operator; None while it is free to work."""
        if self._waits_for is not None:
            return f"{group} waits for {self._waits_for}"
        if not is_member:
            return f"{group} has not joined its consumer group"
        silent_seconds = time.monotonic() - self._turned_at
        if silent_seconds > SILENT_SECONDS:
            return f"{group} has not polled for {silent_seconds:.0f} s"
        unheard_since = self._unheard_since
        if unheard_since is not None and time.monotonic() - unheard_since > UNHEARD_SECONDS:
            return f"{group} waits for a broker"
        return None

    def measured(self, ends: Mapping[Partition, int], done: Mapping[Partition, int]) -> None:
        """Where the partitions held now end, and the next offset to process of those where it is known."""
        self._unheard_since = None
        with self._lock:
            self._ends = {held: end for held, end in ends.items() if held in done}
            self._done = dict(done)
            self._oldest = {held: at for held, at in self._oldest.items() if held in ends}
            if self._sought is None or self._sought.keys() != ends.keys():
                self._sought, self._sought_since = dict(ends), time.monotonic()
            self._look_around()

    def unmeasured(self) -> None:
        """The broker did not say where the partitions end."""
        if self._unheard_since is None:
            self._unheard_since = time.monotonic()

    def taken(self, partition: Partition, *, first_at: datetime, end: int) -> None:
        """Records up to `end` are in hand; the first was written at `first_at`."""
        with self._lock:
            self._oldest[partition] = first_at
            self._ends[partition] = max(end, self._ends.get(partition, 0))

    def done(self, partition: Partition, next_offset: int) -> None:
        """Everything before `next_offset` is processed."""
        with self._lock:
            self._done[partition] = next_offset
            self._look_around()

    def waiting(self, dependency: str | None) -> None:
        """An attempt found `dependency` down; None: one succeeded."""
        self._waits += dependency is not None
        self._waits_for = dependency

    def lag_records(self, topic: str) -> int:
        """Unprocessed records of a topic's partitions held here."""
        with self._lock:
            return sum(self._lag(held) for held in self._ends if held[0] == topic)

    def oldest_unprocessed_seconds(self, topic: str) -> float:
        """Age of the oldest record not processed, as far as this consumer has seen it; 0 without one."""
        with self._lock:
            behind = [at for held, at in self._oldest.items() if held[0] == topic and self._lag(held)]
        return (datetime.now(UTC) - min(behind)).total_seconds() if behind else 0.0

    def age_seconds(self) -> float:
        """Seconds since all was processed that was published then; infinite until that was seen once.

        Of the partitions held here: other members of the group know about theirs.
        """
        with self._lock:
            return math.inf if self._fresh_at is None else time.monotonic() - self._fresh_at

    def standing(self) -> Standing:
        """What the watchdog compares."""
        with self._lock:
            return Standing(
                lag_records=sum(self._lag(held) for held in self._ends),
                position=tuple(sorted(self._done.items())),
                waits=self._waits,
            )

    def _look_around(self) -> None:
        """Whether it has come to where the partitions ended when that was measured."""
        if self._sought is not None and all(
            self._done.get(held, 0) >= end for held, end in self._sought.items()
        ):
            self._fresh_at, self._sought = self._sought_since, None

    def _lag(self, partition: Partition) -> int:
        return max(0, self._ends[partition] - self._done.get(partition, 0))
