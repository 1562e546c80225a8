"""What time does to follow-ups: reminders, missed targets, managers, snoozes that end, owners away."""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
import structlog

from runtime.clock import Clock
from runtime.postgres import Pool
from services.router import follow_up_store, metrics, timer_store
from services.router.destination import Notice
from services.router.follow_up import FollowUp, Target
from services.router.follow_up_commands import NoteBreach, Reassign, Wake
from services.router.follow_up_desk import Desk
from services.router.follow_up_words import escalation, reminder
from services.router.owners import owner_of
from services.router.timer_store import Timer, TimerKind
from services.router.timers import Handler

EVERY_SECONDS = 10.0

Connection = psycopg.Connection[Any]
log = structlog.get_logger(__name__)


class Watch:
    """The handlers of follow-ups' timers. Each looks whether what it was set for still holds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def handlers(self) -> dict[TimerKind, Handler]:
        """By the kind of timer."""
        return {
            TimerKind.BREACH_CONTACT: self._miss,
            TimerKind.BREACH_RESOLVE: self._miss,
            TimerKind.REMIND: self._remind,
            TimerKind.ESCALATE: self._escalate,
            TimerKind.UNSNOOZE: self._wake,
        }

    def _miss(self, connection: Connection, timers: Sequence[Timer], now: datetime) -> None:
        for timer in timers:
            self._desk.apply_in(connection, timer.subject, NoteBreach(Target(timer.ref)), now)

    def _wake(self, connection: Connection, timers: Sequence[Timer], now: datetime) -> None:
        for timer in timers:
            self._desk.apply_in(connection, timer.subject, Wake(), now)

    def _remind(self, connection: Connection, timers: Sequence[Timer], now: datetime) -> None:
        for timer, it, target in self._owed(connection, timers, now):
            if it.due_at(target) <= now:
                continue  # no router ran in time: that it was missed is said anyway
            owner = self._desk.people.person(it.owner_id)
            text = reminder(it, target, self._desk.people)
            self._desk.notify(connection, it, Notice(text, owner), name=_name(timer, it), now=now)

    def _escalate(self, connection: Connection, timers: Sequence[Timer], now: datetime) -> None:
        for timer, it, target in self._owed(connection, timers, now):
            manager = self._desk.people.manager(it.owner_id, it.team, now)
            text = escalation(it, target, self._desk.people)
            self._desk.notify(connection, it, Notice(text, manager), name=_name(timer, it), now=now)

    def _owed(
        self, connection: Connection, timers: Sequence[Timer], now: datetime
    ) -> list[tuple[Timer, FollowUp, Target]]:
        """Those whose target is still owed and that are not put off; who is put off is told afterwards."""
        owed = []
        for timer in timers:
            it, target = follow_up_store.lock(connection, timer.subject), Target(timer.ref)
            # A timer from before it was closed and opened again says nothing about the targets it has now.
            if it is None or it.is_met(target) or timer.due_at < (it.reopened_at or it.opened_at):
                continue
            if it.snoozed_until is not None and it.snoozed_until > now:
                later = Timer(timer.kind, timer.subject, timer.ref, it.snoozed_until)
                timer_store.start(connection, [later])
                continue
            owed.append((timer, it, target))
        return owed


def _name(timer: Timer, it: FollowUp) -> str:
    begun = it.reopened_at or it.opened_at
    return f"{timer.kind}_{timer.ref}_{begun:%Y%m%d%H%M%S}"


class Rota:
    """The worker that hands over what falls due while its owner is away, or whose owner has left, and counts
    what is owed.
    """

    def __init__(self, *, pool: Pool, clock: Clock, desk: Desk) -> None:
        self._pool = pool
        self._clock = clock
        self._desk = desk

    def run(self, stop: threading.Event) -> None:
        """Works every few seconds until `stop`."""
        while not stop.is_set():
            try:
                with self._pool.connection() as connection:
                    self.turn(connection)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("rota waits", error=type(error).__name__)
            stop.wait(EVERY_SECONDS)

    def turn(self, connection: Connection) -> None:
        """Once."""
        now = self._clock.now()
        self._relieve(connection, now)
        self._measure(connection, now)

    def _relieve(self, connection: Connection, now: datetime) -> None:
        people = self._desk.people
        away = [person for person in people.persons.values() if person.is_away(now)]
        for it in follow_up_store.of_owners(connection, [person.id for person in away]) if away else ():
            owner = people.person(it.owner_id)
            if owner is not None and owner.is_away(max(now, it.next_due_at)):
                self._hand_over(connection, it, "out of office", now)
        for it in follow_up_store.of_strangers(connection, list(people.persons)):
            self._hand_over(connection, it, "no longer in people.yaml", now)

    def _hand_over(self, connection: Connection, it: FollowUp, why: str, now: datetime) -> None:
        to = owner_of(it.person_key, (), team=it.team, people=self._desk.people, now=now)
        if to is not None and to.id is not None and to.id != it.owner_id:
            self._desk.apply_in(connection, it.subject, Reassign(None, to.id, why), now)

    def _measure(self, connection: Connection, now: datetime) -> None:
        metrics.FOLLOW_UPS_OPEN.clear()
        metrics.FOLLOW_UPS_OVERDUE.clear()
        for count in follow_up_store.counts(connection, now):
            metrics.FOLLOW_UPS_OPEN.labels(count.team, count.state).set(count.open)
            for target, overdue in (
                (Target.CONTACT, count.contact_overdue),
                (Target.RESOLVE, count.resolve_overdue),
            ):
                gauge = metrics.FOLLOW_UPS_OVERDUE.labels(count.team, target)
                gauge.inc(overdue)
        metrics.TIMERS_LATE.set(timer_store.late_seconds(connection, now))
