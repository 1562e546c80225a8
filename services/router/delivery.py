"""Delivers the effects of one destination: claims what is due, makes the calls, records what came of them.

One dispatcher claims and records; as many threads as the destination allows make the calls. No transaction
is held across a call, and destinations share nothing but the connection pool, so none can delay another.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

import psycopg
import structlog

from runtime import outbox
from runtime.clock import Clock
from runtime.postgres import Pool
from services.router import ledger, metrics
from services.router.attempt import Next, Status, attempt, in_doubt, postpone, rest, settle, withhold
from services.router.calling import QUEUE_SECONDS, Calls, Due, Made
from services.router.clearance import DeliveryMode, Policy, refusal
from services.router.destination import (
    Destination,
    Limits,
    Operation,
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
        self.breaker = Breaker()
        self._calls: Calls | None = None
        self._ended: list[Made] = []
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
        destination = self._connected.destination
        if destination is not None:
            self._calls = Calls(
                name=self.name, destination=destination, rate=self._rate, breaker=self.breaker
            )
        while not stop.is_set():
            self._turn(stop)
        if self._calls is not None:
            self._calls.stop()
            self._finish(self._calls)

    def _turn(self, stop: threading.Event) -> None:
        try:
            claimed = self._fill()
            if self._calls is not None and (self._calls.under_way or self._ended):
                self._ended += self._calls.ended(RECORD_SECONDS)
                self._record_ended()
            elif not claimed:
                stop.wait(IDLE_SECONDS)
        except DATABASE_DOWN as error:
            # What cannot be recorded in time keeps its lease, and is looked for when that has ended.
            log.warning("deliveries wait", destination=self.name, error=type(error).__name__)
            stop.wait(DOWN_SECONDS)

    def _finish(self, calls: Calls) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while (calls.under_way or self._ended) and time.monotonic() < deadline:
            self._ended += calls.ended(RECORD_SECONDS)
            try:
                self._record_ended()
            except DATABASE_DOWN as error:
                log.warning("deliveries not recorded", destination=self.name, error=type(error).__name__)
                return

    def _fill(self) -> int:
        room = self._room(self._calls.under_way if self._calls else 0)
        if room <= 0:
            return 0
        claimed_at = time.monotonic()
        lease = uuid4()
        with self._pool.connection() as connection:
            claimed = ledger.claim(
                connection,
                self.name,
                limit=room,
                burst=self._rate.burst or room,
                left=self._rate.left(),
                lease=lease,
                lease_seconds=self.lease_seconds,
            )
            if not claimed:
                return 0
            todo, at_rest = self._decide(claimed)
            if todo:
                ledger.note_attempts(connection, lease, todo)
        for one, operation in todo:
            self._make(Due(one, operation, claimed_at))
        if at_rest:
            self._record(at_rest)
        return len(claimed)

    def _make(self, due: Due) -> None:
        if self._calls is None:
            raise RuntimeError(f"{self.name} is disabled and was to be called")
        self._calls.make(due)

    def _record_ended(self) -> None:
        if self._ended:
            self._record([self._completion(made) for made in self._ended])
            self._ended.clear()

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

    def _completion(self, made: Made) -> Completion:
        claimed = made.claimed
        if made.result is None:
            pause_seconds = self.breaker.next_try_in_seconds
            return Completion(claimed, postpone(claimed.effect, pause_seconds), "not_started")
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
