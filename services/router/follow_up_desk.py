"""The one place where follow-ups change: commands, and what planning means for them.

Each change locks its subject, is decided, and writes the follow-up, its history, the outcome, timers and the
effects that show it in one transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from runtime import outbox
from runtime.clock import Clock
from runtime.postgres import Pool
from schemas.outcomes import OutcomeKind
from services.router import follow_up_store, metrics, schedule, timer_store
from services.router.destination import Notice
from services.router.follow_up import FollowUp, Target
from services.router.follow_up_commands import (
    Change,
    Claim,
    Command,
    HandOver,
    NoteBreach,
    NoteContact,
    NoteReply,
    Reassign,
    Refusal,
    Reopen,
    Resolve,
    Snooze,
    decide,
)
from services.router.follow_up_course import Course, course
from services.router.follow_up_effects import About, Shown
from services.router.follow_up_opening import Asked, asked_again, first_line, opened
from services.router.follow_up_words import history_line
from services.router.outcomes import of_follow_up
from services.router.people import People, Person
from services.router.timer_store import Timer, TimerKind

Connection = psycopg.Connection[Any]


class Desk:
    """The follow-ups of one deployment."""

    def __init__(self, *, pool: Pool, clock: Clock, people: People, shown: Shown) -> None:
        self._pool = pool
        self._clock = clock
        self._shown = shown
        self.people = people

    def apply(self, subject: str, command: Command, *, via: str | None = None) -> Change | Refusal | None:
        """Carry a command out, in a transaction of its own; None: the subject has no follow-up.

        `via` is the destination it came from, where nobody has to be told of it.
        """
        with self._pool.connection() as connection:
            return self.apply_in(connection, subject, command, self._clock.now(), via=via)

    def apply_in(
        self, connection: Connection, subject: str, command: Command, now: datetime, *, via: str | None = None
    ) -> Change | Refusal | None:
        """As `apply`, in the caller's transaction."""
        it = follow_up_store.lock(connection, subject)
        if it is None:
            return None
        unknown = self._unknown(command)
        if unknown is not None:
            return Refusal(unknown)
        for target in Target:
            # What was missed before the command came stays missed, also where no timer has fired yet.
            it = self._note_breach(connection, it, target, now)
        decision = decide(it, command, now, self._course(it, now).targets)
        if isinstance(decision, Change):
            self._write(connection, decision, command, now, via)
        return decision

    def after_planning(self, connection: Connection, planned: Sequence[Asked], now: datetime) -> None:
        """Open, close and open again what planning says; its transaction holds the subjects' locks."""
        known = follow_up_store.of_subjects(connection, [asked.subject for asked in planned])
        new: list[FollowUp] = []
        timers: list[Timer] = []
        # All of a batch begin now, and few owners and terms are behind them.
        courses: dict[tuple[int, str | None], Course] = {}
        for asked in planned:
            it = known.get(asked.subject)
            if it is not None:
                command = asked_again(it, asked)
                if command is not None:
                    self.apply_in(connection, it.subject, command, now)
                elif it.is_taken_up:
                    # What this revision asked for comes after somebody has it in hand.
                    _call_off(connection, it)
            elif asked.wanted is not None and asked.may_open:
                wanted, key = asked.wanted, (id(asked.wanted.terms), asked.wanted.owner_id)
                if key not in courses:
                    calendar = self.people.calendar(wanted.owner_id, wanted.terms.team)
                    courses[key] = course(wanted.terms, calendar, now)
                new.append(opened(asked, wanted, courses[key].targets, now))
                timers += courses[key].timers(asked.subject)
        if new:
            follow_up_store.write_opened(connection, new, now)
            timer_store.start(connection, timers)
            heard = [of_follow_up(it, first_line(it), OutcomeKind.OPENED, now) for it in new]
            outbox.append(connection, heard)
            for it in new:
                metrics.FOLLOW_UPS.labels(it.team, "opened").inc()

    def notify(self, connection: Connection, it: About, notice: Notice, *, name: str, now: datetime) -> None:
        """Say something where the follow-up, or the answer, is shown, once for each name."""
        self._shown.notify(connection, it, notice, name=name, now=now)

    def _note_breach(self, connection: Connection, it: FollowUp, target: Target, now: datetime) -> FollowUp:
        command = NoteBreach(target)
        decision = decide(it, command, now, it.targets)
        if isinstance(decision, Refusal):
            return it
        if decision.entry is not None:
            self._write(connection, decision, command, now, None)
            metrics.SLA_BREACHED.labels(it.team, target).inc()
        return decision.follow_up

    def _write(
        self, connection: Connection, change: Change, command: Command, now: datetime, via: str | None
    ) -> None:
        it, entry = change.follow_up, change.entry
        if entry is None:
            return
        follow_up_store.write_changed(connection, it, entry, now)
        timer_store.start(connection, self._timers(it, command, now))
        if isinstance(command, Claim | NoteContact | Resolve):
            _call_off(connection, it)
        if change.outcome is not None:
            outbox.append(connection, [of_follow_up(it, entry, change.outcome, now)])
        self._shown.again(connection, it.subject)
        line = history_line(entry, self.people)
        if line is not None:
            said = Notice(line, self._concerned(it, command))
            self._shown.notify(connection, it, said, name=f"history_{it.version}", now=now, besides=via)
        metrics.FOLLOW_UPS.labels(it.team, entry.what).inc()

    def _concerned(self, it: FollowUp, command: Command) -> Person | None:
        """Whom a change waits for: an answer whoever has the follow-up, what was given to them its new owner.
        The rest is there to be read.
        """
        match command:
            case NoteReply():
                return self.people.person(it.owner_id)
            case Reassign(actor=actor, to=to) if actor != to:
                return self.people.person(to)
        return None

    def _timers(self, it: FollowUp, command: Command, now: datetime) -> list[Timer]:
        match command:
            case Reopen():
                return self._course(it, now).timers(it.subject)
            case Snooze(until=until):
                return [Timer(TimerKind.UNSNOOZE, it.subject, "", until)]
        return []

    def _course(self, it: FollowUp, now: datetime) -> Course:
        return course(it.terms, self.people.calendar(it.owner_id, it.team), now)

    def _unknown(self, command: Command) -> str | None:
        match command:
            case Reassign(to=to) if self.people.person(to) is None:
                return f"people.yaml knows nobody with the id {to!r}"
            case HandOver(team=team) if team not in self.people.teams:
                return f"people.yaml knows no team called {team!r}"
        return None


def _call_off(connection: Connection, it: FollowUp) -> None:
    """End what waits only until somebody takes the follow-up up."""
    schedule.end_of_subject(connection, it.subject, "claim")
