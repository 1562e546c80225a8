"""Makes the calls to one destination, in threads, and hands back what came of them."""

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from queue import SimpleQueue

import structlog

from services.router import metrics
from services.router.destination import (
    Absent,
    Ambiguous,
    Call,
    DeliversMany,
    Destination,
    Found,
    Operation,
    Result,
    Retry,
)
from services.router.ledger import Claimed
from services.router.people import People, view_of
from services.router.throttle import Breaker, RateLimit

QUEUE_SECONDS = 10.0
"""A claimed effect whose call has not started by then is given back."""

_PLACES = 4
"""Of a traceback, as many are named in the log."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """A call to make for an effect claimed at `claimed_at` on the monotonic clock."""

    claimed: Claimed
    call: Call
    claimed_at: float


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made, or was not started (`result` None)."""

    claimed: Claimed
    operation: Operation
    result: Result | Found | Absent | None


class Calls:
    """The calls under way to one destination.

    Its threads are daemons: a call that hangs at the end of the process is left to its lease.
    """

    def __init__(
        self,
        *,
        name: str,
        destination: Destination,
        rate: RateLimit,
        breaker: Breaker,
        people: People,
        is_paused: Callable[[], bool],
    ) -> None:
        self._name = name
        self._people = people
        self._is_paused = is_paused
        self._destination = destination
        self._rate = rate
        self._breaker = breaker
        self._due: SimpleQueue[tuple[Due, ...] | None] = SimpleQueue()
        self._ended: deque[Made] = deque()
        self._enough = 1
        self._enough_ended = threading.Event()
        self._seconds = metrics.CALL_SECONDS.labels(name)
        self._is_stopping = False
        self.under_way = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"call-{name}-{number}", daemon=True)
            for number in range(destination.limits.parallel_calls)
        ]
        for thread in self._threads:
            thread.start()

    def make(self, todo: Sequence[tuple[Claimed, Operation]], claimed_at: float) -> None:
        """Queue deliveries; those that may travel together become one call. Only the thread that asks for
        `ended` may.
        """
        self.under_way += len(todo)
        due = [Due(claimed, self._described(claimed, operation), claimed_at) for claimed, operation in todo]
        for together in self._grouped(due):
            self._due.put(together)

    def _grouped(self, due: Sequence[Due]) -> list[tuple[Due, ...]]:
        if not isinstance(self._destination, DeliversMany):
            return [(one,) for one in due]
        groups: dict[object, list[Due]] = {}
        for one in due:
            is_look = one.call.operation is Operation.RECONCILE
            key = None if is_look else self._destination.batch_key(one.call)
            groups.setdefault(one.claimed.effect_id if key is None else key, []).append(one)
        return [tuple(group) for group in groups.values()]

    def ended(self, timeout_seconds: float) -> list[Made]:
        """What has ended since the last time, once it is half of what is under way or the time is up.

        Recording costs nearly the same for one delivery as for fifty.
        """
        self._enough = (self.under_way + 1) // 2
        self._enough_ended.clear()
        if len(self._ended) < self._enough:
            self._enough_ended.wait(timeout_seconds)
        made = [self._ended.popleft() for _ in range(len(self._ended))]
        self.under_way -= len(made)
        return made

    def stop(self) -> None:
        """Start no more calls; those under way end as they may."""
        self._is_stopping = True
        for _ in self._threads:
            self._due.put(None)

    def _work(self) -> None:
        while (due := self._due.get()) is not None:
            results = self._call(due) if self._may_start(due[0]) else [None] * len(due)
            self._ended.extend(
                Made(one.claimed, one.call.operation, result)
                for one, result in zip(due, results, strict=True)
            )
            if len(self._ended) >= self._enough:
                self._enough_ended.set()

    def _may_start(self, due: Due) -> bool:
        return (
            not self._is_stopping
            and not self._is_paused()
            and not self._breaker.is_open
            and time.monotonic() - due.claimed_at < QUEUE_SECONDS
            and self._rate.take(due.claimed.rate_key)
        )

    def _call(self, due: Sequence[Due]) -> Sequence[Result | Found | Absent]:
        with self._seconds.time():
            results = self._guarded([one.call for one in due])
        for one, result in zip(due, results, strict=True):
            self._breaker.note(result)
            if isinstance(result, Retry) and result.retry_after_seconds is not None:
                self._rate.hold(one.claimed.rate_key, result.retry_after_seconds)
            metrics.DELIVERIES.labels(self._name, type(result).__name__.lower()).inc()
        return results

    def _described(self, claimed: Claimed, operation: Operation) -> Call:
        return Call(
            effect_id=claimed.effect_id,
            operation=operation,
            version=claimed.effect.desired_version,
            external_id=claimed.effect.external_id,
            content=claimed.content,
            deadline_seconds=self._destination.limits.deadline_seconds,
            parent_id=claimed.parent_id,
            follow_up=view_of(claimed.follow_up, self._people) if claimed.follow_up else None,
            is_erased=claimed.standing.is_erased,
        )

    def _guarded(self, calls: Sequence[Call]) -> Sequence[Result | Found | Absent]:
        try:
            if len(calls) > 1 and isinstance(self._destination, DeliversMany):
                return self._destination.deliver_many(calls)
            if calls[0].operation is Operation.RECONCILE:
                return [self._destination.reconcile(calls[0])]
            return [self._destination.deliver(calls[0])]
        except Exception as error:  # noqa: BLE001 - nobody knows how far a call came that broke in the middle
            log.error(  # noqa: TRY400 - a traceback may hold what was to be sent
                "destination raised",
                destination=self._name,
                effect_id=str(calls[0].effect_id),
                error=type(error).__name__,
                at=_where(error),
            )
            return [Ambiguous(type(error).__name__)] * len(calls)


def _where(error: Exception) -> str:
    """The places in the code that an exception came through, the innermost first; none of its values."""
    frames = traceback.extract_tb(error.__traceback__)[: -_PLACES - 1 : -1]
    return " < ".join(f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames)
