"""Delivers the effects of one destination: claims what is due, makes the calls, records what came of them.

One dispatcher claims and records; as many threads as the destination allows make the calls. No transaction
is held across a call, and destinations share nothing but the connection pool, so none can delay another.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import psycopg
import structlog

from runtime import outbox
from runtime.clock import Clock
from runtime.postgres import Pool
from services.router import by_now, claiming, completing, match_reviews, metrics, personal_mails, timer_store
from services.router.attempt import Status, decide, in_doubt, postpone, settle
from services.router.calling import QUEUE_SECONDS, Calls, Made
from services.router.clearance import DeliveryMode, Policy, refusal, waits
from services.router.destination import (
    Destination,
    Limits,
    Operation,
    Traits,
)
from services.router.ledger import Claimed, Completion
from services.router.outcomes import of_completion
from services.router.people import People
from services.router.plugins import AnyPlugin
from services.router.throttle import Breaker, RateLimit

CLAIM_SIZE = 100
IDLE_SECONDS = 0.1
DOWN_SECONDS = 1.0
RECORD_SECONDS = 0.1
"""What has ended is recorded after that, however little it is."""
LEASE_MARGIN_SECONDS = 5.0
"""What a lease lasts beyond the longest wait and the longest call of what it covers."""
STALE_PROFILES_SECONDS = 60.0
"""Respondents get no mail while the projection of profiles is older than this: they may have opted out."""
STOP_SECONDS = 7.0

Connection = psycopg.Connection[Any]

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


def lease_seconds(traits: Traits, limits: Limits) -> float:
    """How long a claim lasts: beyond this nothing it covers can still be under way, or unseen outside."""
    return QUEUE_SECONDS + limits.deadline_seconds + traits.settle_seconds + LEASE_MARGIN_SECONDS


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
        people: People | None = None,
        is_paused: Callable[[], bool] = lambda: False,
        rng: Callable[[], float] = random.random,
        look_every_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._connected = connected
        self._pool = pool
        self._clock = clock
        self._policy = policy
        self._profiles_age_seconds = profiles_age_seconds
        self._people = people or People()
        self._is_paused = is_paused
        self._rng = rng
        self._limits = connected.limits
        self._rate = RateLimit(
            self._limits.calls_per_second, batches_per_second=self._limits.batches_per_second
        )
        self.breaker = Breaker()
        self.news = threading.Event()
        """Set by whoever knows that something is due; a worker also looks every `look_every_seconds`."""
        self._look_every_seconds = look_every_seconds
        self._look_at = 0.0
        self._calls: Calls | None = None
        self._done: list[Completion] = []
        self._answer_to_delivery = metrics.ANSWER_TO_DELIVERY.labels(self.name)
        metrics.DESTINATION_UP.labels(self.name).set_function(lambda: float(self.is_up))
        metrics.BREAKER_OPEN.labels(self.name).set_function(lambda: float(self.breaker.is_trying))

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
        return lease_seconds(self._connected.plugin.traits, self._limits)

    def run(self, stop: threading.Event) -> None:
        """Delivers until `stop`; what is under way then gets a few seconds to end."""
        destination = self._connected.destination
        if destination is not None:
            self._calls = Calls(
                name=self.name,
                destination=destination,
                rate=self._rate,
                breaker=self.breaker,
                people=self._people,
                is_paused=self._is_paused,
            )
        while not stop.is_set():
            self._guarded_turn(stop)
        if self._calls is not None:
            self._calls.stop()
            self._finish(self._calls)

    def _guarded_turn(self, stop: threading.Event) -> None:
        try:
            is_idle = self._turn()
        except DATABASE_DOWN as error:
            # What cannot be recorded in time keeps its lease, and is looked for when that has ended.
            log.warning("deliveries wait", destination=self.name, error=type(error).__name__)
            stop.wait(DOWN_SECONDS)
        else:
            if is_idle:
                self.news.wait(self._look_every_seconds)

    def _turn(self) -> bool:
        """Record what has ended and claim what is due, in one transaction; True when there was neither."""
        if self._calls is not None and self._calls.under_way:
            self._done += map(self._completion, self._calls.ended(RECORD_SECONDS))
        claimed_at = time.monotonic()
        looks = self._done or self.news.is_set() or claimed_at >= self._look_at
        self.news.clear()
        room = self._room(self._calls.under_way if self._calls else 0) if looks else 0
        if not self._done and room <= 0:
            return self._calls is None or not self._calls.under_way
        with self._pool.connection() as connection:
            held = self._record(connection)
            todo, at_rest = self._claim(connection, room) if room > 0 else ([], [])
        self._observe(held)
        # What needs no call is recorded by the next turn: effects' rows are locked before leases are taken.
        self._done = at_rest
        if self._calls is not None:
            self._calls.make(todo, claimed_at)
        return not (held or todo or at_rest)

    def _finish(self, calls: Calls) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while (calls.under_way or self._done) and time.monotonic() < deadline:
            self._done += map(self._completion, calls.ended(RECORD_SECONDS))
            try:
                with self._pool.connection() as connection:
                    held = self._record(connection)
            except DATABASE_DOWN as error:
                log.warning("deliveries not recorded", destination=self.name, error=type(error).__name__)
                return
            self._observe(held)
            self._done = []

    def _claim(
        self, connection: Connection, room: int
    ) -> tuple[list[tuple[Claimed, Operation]], list[Completion]]:
        self._look_at = time.monotonic() + self._look_every_seconds
        lease = uuid4()
        claimed = claiming.claim(
            connection,
            self.name,
            limit=room,
            burst=self._rate.burst or room,
            left=self._rate.left(),
            lease=lease,
            lease_seconds=self.lease_seconds,
        )
        todo, at_rest = self._decide(by_now.retold(connection, self._connected.plugin, claimed))
        if todo:
            claiming.note_attempts(connection, lease, todo)
        return todo, at_rest

    def _room(self, in_flight: int) -> int:
        if self._is_paused():
            return 0
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
            refused = refusal(one.standing, self._policy, self._audience(one), self.disabled, now)
            decided = decide(one.effect, traits, refused=refused, is_early=waits(one.standing))
            if isinstance(decided, Operation):
                todo.append((one, decided))
            else:
                at_rest.append(Completion(one, decided))
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
            getattr(made.result, "review", ()),
        )

    def _record(self, connection: Connection) -> list[Completion]:
        """Write what is done, with its outcomes; returns it without what had lost its lease."""
        if not self._done:
            return []
        now = self._clock.now()
        effect_ids = completing.complete(connection, self._done)
        held = [one for one in self._done if one.claimed.effect_id in effect_ids]
        outbox.append(connection, [message for one in held for message in of_completion(one, self.name, now)])
        completing.wake(connection, self.name, held)
        if self._connected.plugin.traits.to_respondent:
            timer_store.start(connection, personal_mails.ended(held, now))
        match_reviews.note(connection, self.name, held)
        return held

    def _observe(self, recorded: Sequence[Completion]) -> None:
        now = self._clock.now()
        for one in recorded:
            received_at = one.claimed.received_at
            if one.next.outcome is Status.DELIVERED and received_at is not None:
                self._answer_to_delivery.observe(max(0.0, (now - received_at).total_seconds()))
            if one.next.outcome is not None:
                metrics.DELIVERIES_ENDED.labels(self.name, one.next.outcome).inc()
            if one.next.outcome is Status.FAILED:
                log.error(
                    "delivery failed for good",
                    destination=self.name,
                    effect_id=str(one.claimed.effect_id),
                    cause=one.next.reason,
                )
