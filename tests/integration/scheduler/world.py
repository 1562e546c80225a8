"""A scheduler on a real database, without Kafka: events are handed to it, time is set by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

from runtime.cloudevents import decode
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.postgres import Pool
from schemas.event import NAMESPACE
from schemas.lifecycle import LifecycleEventOccurred, Moment
from schemas.profiles import OptOut, ProfileChanged
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.responses import Order, ResponseRecorded, ResponseStatus, response_id
from schemas.scales import Metric
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.scheduler.app import Intake, Rounds
from services.scheduler.intake import Said
from services.scheduler.programs import Programs, load_programs

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PROGRAM = "new_customer_nps"
PROGRAMS = load_programs(Path("sandbox/sample/programs.yaml"))
_EMITTED: dict[str, type[SurveyRequested | SurveyRequestCancelled]] = {
    SurveyRequested.TYPE: SurveyRequested,
    SurveyRequestCancelled.TYPE: SurveyRequestCancelled,
}
TABLES = (
    "people, accounts, lifecycle_events, due_work, requests, answers, decisions, outbox, asked_counts,"
    " paused_programs, sweeps, planned_programs"
)


def day(number: float) -> datetime:
    return EPOCH + timedelta(days=number)


class HandClock:
    """Shows the time it was set to."""

    def __init__(self) -> None:
        self.time = EPOCH

    def now(self) -> datetime:
        return self.time


class World:
    """Speaks in days since the epoch."""

    def __init__(self, pool: Pool, *, programs: Programs = PROGRAMS, batch_size: int = 100) -> None:
        self.pool = pool
        self.clock = HandClock()
        self._intake = Intake(programs, self.clock)
        self.facts_age_seconds = 0.0
        self.rounds = Rounds(
            pool=pool,
            programs=programs,
            clock=self.clock,
            age_seconds=lambda: self.facts_age_seconds,
            batch_size=batch_size,
            poll_seconds=0.05,
        )

    def forget(self) -> None:
        """Empties every table."""
        with self.pool.connection() as connection:
            connection.execute(f"TRUNCATE {TABLES}")

    def say(self, *events: Said) -> None:
        """Hands a batch over."""
        record = Record("topic", 0, 0, b"key", b"", (), EPOCH)
        with self.pool.connection() as connection:
            self._intake.handle(connection, [Delivered(record, event) for event in events])

    def work_until(self, at: float) -> None:
        """Decides all that is due on that day."""
        self.clock.time = day(at)
        while self.rounds.sweep() or self.rounds.turn():
            pass

    def requested(self) -> list[SurveyRequested]:
        return [event for event in self._emitted() if isinstance(event, SurveyRequested)]

    def cancelled(self) -> list[SurveyRequestCancelled]:
        return [event for event in self._emitted() if isinstance(event, SurveyRequestCancelled)]

    def asked(self) -> list[tuple[str, float]]:
        """Who was asked, on which day."""
        return [
            (request.person_key, (request.requested_at - EPOCH) / timedelta(days=1))
            for request in self.requested()
        ]

    def reasons(self, person: str) -> list[tuple[str, str | None]]:
        """Outcome and gate of every decision about a person, oldest first."""
        with self.pool.connection() as connection:
            return connection.execute(
                "SELECT outcome, gate FROM decisions WHERE person = %s ORDER BY id", (person,)
            ).fetchall()

    def _emitted(self) -> Sequence[SurveyRequested | SurveyRequestCancelled]:
        with self.pool.connection() as connection:
            rows = connection.execute("SELECT topic, key, value, headers FROM outbox ORDER BY id").fetchall()
        records = [
            Record(topic, 0, 0, key, value, tuple((name, text.encode()) for name, text in headers), EPOCH)
            for topic, key, value, headers in rows
        ]
        return [decode(record, _EMITTED) for record in records]


def purchased(
    person: str | None,
    at: float,
    *,
    number: int = 1,
    revision: int = 1,
    retracted: bool = False,
    moment: Moment = Moment.PURCHASED,
    account: str | None = None,
) -> LifecycleEventOccurred:
    return LifecycleEventOccurred(
        lifecycle_id=uuid5(NAMESPACE, f"{person} {number}"),
        source="shop",
        source_id=f"{person} {number}",
        order=Order(revision=revision, tie=0),
        moment=moment,
        occurred_at=day(at),
        received_at=day(at),
        person_key=person,
        account_id=account,
        retracted=retracted,
        context={"number": str(number)},
    )


def profile(
    person: str,
    version: int = 1,
    *,
    email: str | None = "somebody@shop.test",
    opted_out: bool = False,
    merged_from: tuple[str, ...] = (),
    merged_into: str | None = None,
    **facts: object,
) -> ProfileChanged:
    return ProfileChanged.model_validate(
        {
            "person_key": person,
            "version": version,
            "changed_at": day(version),
            "email": email,
            "opt_outs": (OptOut(since=EPOCH),) if opted_out else (),
            "merged_from": merged_from,
            "merged_into": merged_into,
            **facts,
        }
    )


def answered(
    person: str,
    at: float,
    *,
    number: int = 1,
    revision: int = 1,
    retracted: bool = False,
    request_id: UUID | None = None,
) -> ResponseRecorded:
    return ResponseRecorded(
        response_id=response_id("vendor", f"{person} {number}"),
        person_key=person,
        source="vendor",
        source_id=f"{person} {number}",
        order=Order(revision=revision, tie=0),
        status=ResponseStatus.RETRACTED if retracted else ResponseStatus.ANSWERED,
        metric=Metric.NPS,
        score=9,
        responded_at=day(at),
        received_at=day(at),
        request_id=request_id,
    )


def step(request: SurveyRequested, what: SurveyStep, at: float) -> SurveyStepOccurred:
    return SurveyStepOccurred(
        request_id=request.request_id,
        person_key=request.person_key,
        program=request.program,
        channel=request.channel,
        reminder=request.reminder,
        step=what,
        occurred_at=day(at),
    )
