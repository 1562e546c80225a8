"""When somebody or something has to look at a follow-up that begins now. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from runtime.business_hours import Calendar, due
from services.router.follow_up import FollowUpTerms, Target, Targets
from services.router.timer_store import Timer, TimerKind

_BREACH = {Target.CONTACT: TimerKind.BREACH_CONTACT, Target.RESOLVE: TimerKind.BREACH_RESOLVE}


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something to look at."""

    kind: TimerKind
    target: Target
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """The targets, and what is looked at when."""

    targets: Targets
    alarms: tuple[Alarm, ...]

    def timers(self, subject: str) -> list[Timer]:
        """The timers of a subject's follow-up."""
        return [Timer(alarm.kind, subject, alarm.target, alarm.due_at) for alarm in self.alarms]


def course(terms: FollowUpTerms, calendar: Calendar, start: datetime) -> Course:
    """What follows from beginning at `start`; `calendar` is that of the owner."""
    hours = {Target.CONTACT: terms.first_contact_hours, Target.RESOLVE: terms.resolve_hours}
    ends = {target: due(start, allowed, calendar) for target, allowed in hours.items()}
    alarms = (
        alarm
        for target in Target
        for alarm in (
            *_reminder(target, hours[target], terms, calendar, start),
            Alarm(_BREACH[target], target, ends[target]),
            Alarm(TimerKind.ESCALATE, target, due(ends[target], terms.escalate_after_hours, calendar)),
        )
    )
    return Course(Targets(ends[Target.CONTACT], ends[Target.RESOLVE]), tuple(alarms))


def _reminder(
    target: Target, hours: float, terms: FollowUpTerms, calendar: Calendar, start: datetime
) -> Iterator[Alarm]:
    """None where it would come as the follow-up begins, or with its end."""
    before = terms.remind_before_hours
    if 0 < before < hours:
        yield Alarm(TimerKind.REMIND, target, due(start, hours - before, calendar))
