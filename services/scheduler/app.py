"""The scheduler's input and output: takes events in, decides due work, shows decisions."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, get_args

import psycopg
import structlog
from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import Event, decode_or_gone, to_message, traceparent_of
from runtime.consumer import Delivered
from runtime.health import Health
from runtime.messages import Message, Record
from runtime.operator import Operator
from runtime.ops import ops_app
from runtime.postgres import Pool
from runtime.problems import add_problem_handlers
from runtime.tracing import child_of
from schemas.profiles import ProfileChanged, ProfileErased
from services.scheduler import course_store, metrics, projection, store, sweeps
from services.scheduler.audience import Known
from services.scheduler.books import leave_locked_accounts, open_books
from services.scheduler.course import Next, Step, after, next_step
from services.scheduler.intake import UNDELIVERED, Published, Said, sort_out
from services.scheduler.programs import Programs
from services.scheduler.replanning import replan
from services.scheduler.rounds import Decided, decide

SERVICE = "scheduler"
SOURCE = "/services/scheduler"
RETRY_SECONDS = 1.0
OLDEST_FACTS_SECONDS = 10.0
"""Nobody is decided about by facts that are older: after downtime, it is heard first who has opted out or
answered elsewhere meanwhile."""
ASKED = "none"
"""The gate of a decision that no gate was shut for, as a label."""
_EVENTS: tuple[type[Published], ...] = get_args(Published)
_MODELS = {model.TYPE: model for model in _EVENTS}
TOPICS = tuple(model.TOPIC for model in _EVENTS)

log = structlog.get_logger(__name__)


def read(record: Record) -> Said:
    """The event in a record, or the erasure that a profile's tombstone is.

    Raises runtime.cloudevents.Undecodable.
    """
    return decode_or_gone(record, _MODELS, {ProfileChanged.TOPIC: ProfileErased})


class Intake:
    """Takes batches of events in."""

    def __init__(self, programs: Programs, clock: Clock) -> None:
        self._programs = programs
        self._clock = clock

    def handle(self, connection: psycopg.Connection[Any], delivered: Sequence[Delivered[Said]]) -> None:
        """Writes a batch in the caller's transaction; withdraws requests whose reason was taken back."""
        batch = sort_out([(one.event, traceparent_of(one.record.headers)) for one in delivered])
        cancelled = projection.take_in(connection, batch, self._programs, self._clock.now())
        outbox.append(connection, [_message(event, None) for event in cancelled])
        for step in batch.steps:
            if step.step in UNDELIVERED and self._programs.get(step.program) and not step.reminder:
                metrics.UNDELIVERED.labels(step.program, step.step).inc()


class Rounds:
    """Decides due work, takes the next steps of requests and sweeps, as the business clock reaches them."""

    def __init__(
        self,
        *,
        pool: Pool,
        programs: Programs,
        clock: Clock,
        age_seconds: Callable[[], float],
        batch_size: int,
        poll_seconds: float,
    ) -> None:
        """`age_seconds`: how old what is known of people is, in wall time."""
        self._pool = pool
        self._age_seconds = age_seconds
        self._programs = programs
        self._clock = clock
        self._batch_size = batch_size
        self._poll_seconds = poll_seconds
        self._trouble: str | None = "no round yet"
        self._is_planned = False
        metrics.FACTS_AGE_SECONDS.set_function(age_seconds)
        for program in programs.programs:
            # A counter that begins at 1 never shows its first increase.
            metrics.REQUESTS.labels(program.id)
            metrics.DECISIONS.labels(program.id, ASKED)

    def run(self, stop: threading.Event) -> None:
        """Works until `stop`; outlives outages of PostgreSQL."""
        while not stop.is_set():
            try:
                busy = self.turn() >= self._batch_size
                self._trouble = None
            except psycopg.OperationalError as error:
                self._trouble = f"PostgreSQL does not answer ({type(error).__name__})"
                log.warning("due work waits", error=type(error).__name__)
                stop.wait(RETRY_SECONDS)
                continue
            if not busy:
                stop.wait(self._poll_seconds)

    def turn(self) -> int:
        """A batch of each kind of work, as long as the facts are fresh; returns the size of the largest."""
        if self._age_seconds() > OLDEST_FACTS_SECONDS:
            with self._pool.connection() as connection:
                self._show_lag(connection, self._clock.now())
            return 0
        return max(self.once(), self.follow_up(), self.sweep())

    def once(self) -> int:
        """Decides one batch in one transaction; returns how much work it took."""
        now = self._clock.now()
        with self._pool.connection() as connection:
            taken, people = store.take_due(connection, now, limit=self._batch_size)
            works = leave_locked_accounts(connection, taken, people, self._programs)
            decided = []
            if works:
                books = open_books(connection, people, self._programs, now)
                decided = decide(works, people, books, self._programs, now)
                store.settle(connection, decided, people, now)
                outbox.append(connection, _requests(decided))
            self._show_lag(connection, now)
        _count(decided)
        return len(decided)

    def _show_lag(self, connection: psycopg.Connection[Any], now: datetime) -> None:
        oldest = store.oldest_due(connection)
        metrics.DUE_LAG_SECONDS.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)

    def follow_up(self) -> int:
        """Takes the next step of a batch of requests in one transaction; returns how many it looked at."""
        now = self._clock.now()
        with self._pool.connection() as connection:
            taken = course_store.take(connection, now, limit=self._batch_size)
            later, gone_on, released = [], [], []
            for one in taken:
                step = self._next_step(one, now)
                if step.at is None or step.at > now:
                    later.append((one.asked, step.at))
                elif step.what is Next.RELEASE:
                    released.append(one)
                else:
                    request = after(one.asked, step, now)
                    gone_on.append(course_store.GoneOn(request, step.what is Next.FALL_BACK))
            course_store.wait(connection, later)
            course_store.go_on(connection, gone_on, now)
            course_store.release(connection, released, now)
            replan(connection, {one.person.key for one in released}, self._programs, now)
            outbox.append(connection, [_message(one.request, None) for one in gone_on])
        for request, changes_channel in gone_on:
            what = Next.FALL_BACK if changes_channel else Next.REMIND
            metrics.STEPS.labels(request.program, what).inc()
        return len(taken)

    def _next_step(self, one: course_store.Taken, now: datetime) -> Step:
        program = self._programs.get(one.asked.request.program)
        terms = self._programs.terms(program, one.person, Known(one.person, now)) if program else None
        return next_step(one.asked, program, one.person, terms, now)

    def sweep(self) -> int:
        """Plans a batch of people anew where everybody has to be; returns how many."""
        with self._pool.connection() as connection:
            if not self._is_planned:
                sweeps.begin_if_changed(connection, self._programs)
                self._is_planned = True
            people = sweeps.sweep(connection, self._programs, self._clock.now(), limit=self._batch_size)
            metrics.SWEEPS.set(sweeps.pending(connection))
        metrics.REPLANNED.inc(people)
        return people

    def check(self) -> str | None:
        """Health: None while due work is looked for."""
        return self._trouble


class KeptDecision(BaseModel):
    """A decision about a person, with its reason."""

    program: str
    occasion: str
    outcome: str
    gate: str | None
    fact: dict[str, str | int | float | None]
    decided_at: datetime
    next_eligible_at: datetime | None


class PlannedWork(BaseModel):
    """What a program wants, or wanted, to ask a person about."""

    program: str
    occasion: str
    state: str
    due_at: datetime
    look_at: datetime
    gives_up_at: datetime


class Explanation(BaseModel):
    """Why a person was asked or not, newest first."""

    decisions: list[KeptDecision]
    work: list[PlannedWork]


def http_app(health: Health, pool: Pool, operator: Operator) -> FastAPI:
    """Health, metrics, and the reasons of decisions by person key, for who has the operator's."""
    app = ops_app(health)
    add_problem_handlers(app)

    @app.get("/v1/decisions", dependencies=[Depends(operator)])
    def decisions(person: Annotated[str, Query(min_length=1, max_length=64)]) -> Explanation:
        with pool.connection() as connection:
            kept, work = store.explain(connection, person)
        return Explanation(
            decisions=[KeptDecision.model_validate(row | {"occasion": str(row["occasion"])}) for row in kept],
            work=[PlannedWork.model_validate(row | {"occasion": str(row["occasion"])}) for row in work],
        )

    return app


def _requests(decided: Sequence[Decided]) -> list[Message]:
    return [_message(done.request, done.work.traceparent) for done in decided if done.request is not None]


def _message(event: Event, traceparent: str | None) -> Message:
    return to_message(event, source=SOURCE, traceparent=child_of(traceparent))


def _count(decided: Sequence[Decided]) -> None:
    for done in decided:
        metrics.DECISIONS.labels(done.work.program, done.decision.gate or ASKED).inc()
        if done.request is not None:
            metrics.REQUESTS.labels(done.work.program).inc()
