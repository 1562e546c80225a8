"""Delivers the effects of one destination: claims what is due, makes the calls, records what came of them.

One dispatcher claims and records; as many threads as the destination allows make the calls. No transaction
is held across a call, and destinations share nothing but the connection pool, so none can delay another.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from uuid import uuid4

import psycopg
import structlog

from runtime import outbox
from runtime.clock import Clock
from runtime.postgres import Pool
from services.router import ledger, metrics
from services.router.attempt import Next, Status, attempt, in_doubt, postpone, rest, settle, withhold
from services.router.clearance import DeliveryMode, Policy, refusal
from services.router.destination import (
    Absent,
    Ambiguous,
    Call,
    Destination,
    Found,
    Limits,
    Operation,
    Result,
    Retry,
)
from services.router.ledger import Claimed, Completion
from services.router.outcomes import of_completion
from services.router.plugins import AnyPlugin
from services.router.throttle import Breaker, RateLimit

CLAIM_SIZE = 100
IDLE_SECONDS = 0.1
DOWN_SECONDS = 1.0
RECORD_SECONDS = 0.05
LEASE_MARGIN_SECONDS = 5.0
"""What a lease lasts beyond the longest wait and the longest call of what it covers."""
QUEUE_SECONDS = 10.0
"""A claimed effect whose call has not started by then is given back."""
STALE_PROFILES_SECONDS = 60.0
"""Respondents get no mail while the projection of profiles is older than this: they may have opted out."""
STOP_SECONDS = 7.0

DATABASE_DOWN = (psycopg.OperationalError, psycopg.InterfaceError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Connected:
    """A kind of destination with its connection, or with the reason why it is disabled."""

    plugin: AnyPlugin
    destination: Destination | None
    disabled: str | None

    @property
    def limits(self) -> Limits:
        """How hard it may be pressed."""
        return self.destination.limits if self.destination else Limits()


@dataclass(frozen=True, slots=True)
class _Made:
    """A call that was made, or was not started (`result` None)."""

    claimed: Claimed
    operation: Operation
    result: Result | Found | Absent | None


class Deliveries:
    """The worker of one destination."""

    def __init__(
        self,
        *,
        connected: Connected,
        pool: Pool,
        clock: Clock,
        policy: Policy,
        profiles_age_seconds: Callable[[], float],
        rng: Callable[[], float] = random.random,
    ) -> None:
        self._connected = connected
        self._pool = pool
        self._clock = clock
        self._policy = policy
        self._profiles_age_seconds = profiles_age_seconds
        self._rng = rng
        self._limits = connected.limits
        self._rate = RateLimit(self._limits.calls_per_second)
        self._stop = threading.Event()
        self.breaker = Breaker()
        metrics.DESTINATION_UP.labels(self.name).set_function(lambda: float(self.is_up))

    @property
    def name(self) -> str:
        """The destination's."""
        return self._connected.plugin.name

    @property
    def disabled(self) -> str | None:
        """Why nothing is delivered, or None."""
        return self._connected.disabled

    @property
    def limits(self) -> Limits:
        """How hard it may be pressed."""
        return self._limits

    @property
    def is_up(self) -> bool:
        """Whether it is enabled and answers."""
        return self.disabled is None and not self.breaker.is_trying

    @property
    def lease_seconds(self) -> float:
        """How long a claim lasts: beyond this nothing it covers can still be under way."""
        settle_seconds = self._connected.plugin.traits.settle_seconds
        return QUEUE_SECONDS + self._limits.deadline_seconds + settle_seconds + LEASE_MARGIN_SECONDS

    def run(self, stop: threading.Event) -> None:
        """Delivers until `stop`; what is under way then gets a few seconds to end."""
        self._stop = stop
        calls: dict[Future[_Made], Claimed] = {}
        executor = ThreadPoolExecutor(self._limits.parallel_calls, thread_name_prefix=f"call-{self.name}")
        try:
            while not stop.is_set():
                self._turn(executor, calls)
            self._finish(calls)
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def _turn(self, executor: ThreadPoolExecutor, calls: dict[Future[_Made], Claimed]) -> None:
        try:
            claimed = self._fill(executor, calls)
            if calls:
                wait(calls, timeout=RECORD_SECONDS, return_when=FIRST_COMPLETED)
                self._record_ended(calls)
            elif not claimed:
                self._stop.wait(IDLE_SECONDS)
        except DATABASE_DOWN as error:
            # What could not be recorded keeps its lease and is reconciled when that has ended.
            log.warning("deliveries wait", destination=self.name, error=type(error).__name__)
            self._stop.wait(DOWN_SECONDS)

    def _finish(self, calls: dict[Future[_Made], Claimed]) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while calls and time.monotonic() < deadline:
            wait(calls, timeout=RECORD_SECONDS)
            try:
                self._record_ended(calls)
            except DATABASE_DOWN as error:
                log.warning("deliveries not recorded", destination=self.name, error=type(error).__name__)
                return

    def _fill(self, executor: ThreadPoolExecutor, calls: dict[Future[_Made], Claimed]) -> int:
        room = self._room(len(calls))
        if room <= 0:
            return 0
        asked_at = time.monotonic()
        lease = uuid4()
        with self._pool.connection() as connection:
            claimed = ledger.claim(
                connection,
                self.name,
                limit=room,
                burst=self._rate.burst or room,
                exhausted=self._rate.exhausted(),
                lease=lease,
                lease_seconds=self.lease_seconds,
            )
            if not claimed:
                return 0
            todo, at_rest = self._decide(claimed)
            if todo:
                ledger.note_attempts(
                    connection,
                    claimed[0].leased_at,
                    [(one.effect_id, operation, one.effect.desired_version) for one, operation in todo],
                )
        if at_rest:
            self._record(at_rest)
        for one, operation in todo:
            calls[executor.submit(self._call, one, operation, asked_at)] = one
        return len(claimed)

    def _room(self, in_flight: int) -> int:
        if self.disabled is None:
            if self.breaker.is_open:
                return 0
            if self.breaker.is_trying:
                return 1 - in_flight
        is_mail = self._connected.plugin.traits.to_respondent
        if is_mail and self._profiles_age_seconds() > STALE_PROFILES_SECONDS:
            return 0
        room = CLAIM_SIZE - in_flight
        # Refilled by halves: a claim costs the same for one effect as for fifty.
        return room if room >= CLAIM_SIZE // 2 else 0

    def _decide(self, claimed: Sequence[Claimed]) -> tuple[list[tuple[Claimed, Operation]], list[Completion]]:
        traits = self._connected.plugin.traits
        now = self._clock.now()
        todo: list[tuple[Claimed, Operation]] = []
        at_rest: list[Completion] = []
        for leased in claimed:
            one = replace(leased, effect=in_doubt(leased.effect)) if leased.is_in_doubt else leased
            effect = one.effect
            reason = refusal(one.standing, self._policy, self._audience(one), self.disabled, now)
            operation = attempt(effect, traits)
            if reason is not None:
                at_rest.append(Completion(one, withhold(effect, reason)))
            elif operation is None:
                at_rest.append(Completion(one, rest(effect, traits)))
            else:
                todo.append((one, operation))
        return todo, at_rest

    def _audience(self, claimed: Claimed) -> tuple[str, ...]:
        if self._policy.mode is not DeliveryMode.PILOT:
            return ()
        plugin = self._connected.plugin
        return plugin.audience(plugin.content.model_validate(claimed.content))

    def _call(self, claimed: Claimed, operation: Operation, asked_at: float) -> _Made:
        has_time = time.monotonic() - asked_at < QUEUE_SECONDS
        destination = self._connected.destination
        if (
            destination is None
            or self._stop.is_set()
            or self.breaker.is_open
            or not has_time
            or not self._rate.take(claimed.rate_key)
        ):
            return _Made(claimed, operation, None)
        call = Call(
            effect_id=claimed.effect_id,
            operation=operation,
            version=claimed.effect.desired_version,
            external_id=claimed.effect.external_id,
            content=claimed.content,
            deadline_seconds=self._limits.deadline_seconds,
        )
        with metrics.CALL_SECONDS.labels(self.name).time():
            result = _guarded(destination, call)
        self.breaker.note(result)
        if isinstance(result, Retry) and result.retry_after_seconds is not None:
            self._rate.hold(claimed.rate_key, result.retry_after_seconds)
        metrics.DELIVERIES.labels(self.name, type(result).__name__.lower()).inc()
        return _Made(claimed, operation, result)

    def _record_ended(self, calls: dict[Future[_Made], Claimed]) -> None:
        ended = [call for call in calls if call.done()]
        if not ended:
            return
        self._record([self._completion(call.result()) for call in ended])
        for call in ended:
            del calls[call]

    def _completion(self, made: _Made) -> Completion:
        claimed = made.claimed
        if made.result is None:
            pause_seconds = self.breaker.next_try_in_seconds
            return Completion(
                claimed, postpone(claimed.effect, pause_seconds), claimed.leased_at, "not_started"
            )
        following = settle(
            claimed.effect,
            made.operation,
            made.result,
            traits=self._connected.plugin.traits,
            now=claimed.leased_at,
            jitter=self._rng(),
        )
        return Completion(
            claimed,
            following,
            claimed.leased_at,
            type(made.result).__name__.lower(),
            getattr(made.result, "cause", None),
        )

    def _record(self, done: Sequence[Completion]) -> None:
        now = self._clock.now()
        with self._pool.connection() as connection:
            held = ledger.complete(connection, done)
            outbox.append(
                connection,
                [
                    message
                    for one in done
                    if one.claimed.effect_id in held
                    for message in of_completion(one, self.name, now)
                ],
            )
        for one in done:
            if one.claimed.effect_id in held:
                self._observe(one.claimed, one.next)

    def _observe(self, claimed: Claimed, following: Next) -> None:
        if following.outcome is Status.DELIVERED and claimed.received_at is not None:
            seconds = (self._clock.now() - claimed.received_at).total_seconds()
            metrics.ANSWER_TO_DELIVERY.labels(self.name).observe(max(0.0, seconds))
        if following.outcome is Status.FAILED:
            log.error(
                "delivery failed for good",
                destination=self.name,
                effect_id=str(claimed.effect_id),
                cause=following.reason,
            )


def _guarded(destination: Destination, call: Call) -> Result | Found | Absent:
    try:
        if call.operation is Operation.RECONCILE:
            return destination.reconcile(call)
        return destination.deliver(call)
    except Exception as error:  # nobody knows how far a call came that broke in the middle
        log.warning(
            "destination raised", effect_id=str(call.effect_id), error=type(error).__name__, exc_info=error
        )
        return Ambiguous(type(error).__name__)
