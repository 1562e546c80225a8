"""Makes the calls to one destination, in threads, and hands back what came of them."""

import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import structlog

from services.router import metrics
from services.router.destination import (
    Absent,
    Ambiguous,
    Call,
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

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """A call to make for an effect claimed at `claimed_at` on the monotonic clock."""

    claimed: Claimed
    operation: Operation
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
        self, *, name: str, destination: Destination, rate: RateLimit, breaker: Breaker, people: People
    ) -> None:
        self._name = name
        self._people = people
        self._destination = destination
        self._rate = rate
        self._breaker = breaker
        self._due: SimpleQueue[Due | None] = SimpleQueue()
        self._ended: SimpleQueue[Made] = SimpleQueue()
        self._seconds = metrics.CALL_SECONDS.labels(name)
        self._is_stopping = False
        self.under_way = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"call-{name}-{number}", daemon=True)
            for number in range(destination.limits.parallel_calls)
        ]
        for thread in self._threads:
            thread.start()

    def make(self, due: Due) -> None:
        """Queue a call. Only the thread that asks for `ended` may."""
        self.under_way += 1
        self._due.put(due)

    def ended(self, timeout_seconds: float) -> list[Made]:
        """What has ended since the last time, waiting for the first one at most so long."""
        made: list[Made] = []
        try:
            made.append(self._ended.get(timeout=timeout_seconds))
            while True:
                made.append(self._ended.get_nowait())
        except Empty:
            self.under_way -= len(made)
            return made

    def stop(self) -> None:
        """Start no more calls; those under way end as they may."""
        self._is_stopping = True
        for _ in self._threads:
            self._due.put(None)

    def _work(self) -> None:
        while (due := self._due.get()) is not None:
            result = self._call(due) if self._may_start(due) else None
            self._ended.put(Made(due.claimed, due.operation, result))

    def _may_start(self, due: Due) -> bool:
        return (
            not self._is_stopping
            and not self._breaker.is_open
            and time.monotonic() - due.claimed_at < QUEUE_SECONDS
            and self._rate.take(due.claimed.rate_key)
        )

    def _call(self, due: Due) -> Result | Found | Absent:
        claimed = due.claimed
        call = Call(
            effect_id=claimed.effect_id,
            operation=due.operation,
            version=claimed.effect.desired_version,
            external_id=claimed.effect.external_id,
            content=claimed.content,
            deadline_seconds=self._destination.limits.deadline_seconds,
            parent_id=claimed.parent_id,
            follow_up=view_of(claimed.follow_up, self._people) if claimed.follow_up else None,
        )
        with self._seconds.time():
            result = self._guarded(call)
        self._breaker.note(result)
        if isinstance(result, Retry) and result.retry_after_seconds is not None:
            self._rate.hold(claimed.rate_key, result.retry_after_seconds)
        metrics.DELIVERIES.labels(self._name, type(result).__name__.lower()).inc()
        return result

    def _guarded(self, call: Call) -> Result | Found | Absent:
        try:
            if call.operation is Operation.RECONCILE:
                return self._destination.reconcile(call)
            return self._destination.deliver(call)
        except Exception as error:  # nobody knows how far a call came that broke in the middle
            log.exception("destination raised", effect_id=str(call.effect_id))
            return Ambiguous(type(error).__name__)
