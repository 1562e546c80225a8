"""When somebody or something has to look at a follow-up again. Pure."""

from collections.abc import Iterator
from datetime import datetime

from services.router.business_hours import Calendar, due
from services.router.follow_up import FollowUp, Target
from services.router.timer_store import Timer, TimerKind

BREACH = {Target.CONTACT: TimerKind.BREACH_CONTACT, Target.RESOLVE: TimerKind.BREACH_RESOLVE}


def alarms(it: FollowUp, calendar: Calendar, start: datetime) -> Iterator[Timer]:
    """The timers of a follow-up that begins at `start`: a reminder before each target, the target itself, and
    the manager's after a missed one.
    """
    for target, hours in (
        (Target.CONTACT, it.terms.first_contact_hours),
        (Target.RESOLVE, it.terms.resolve_hours),
    ):
        before = it.terms.remind_before_hours
        if 0 < before < hours:
            yield Timer(TimerKind.REMIND, it.subject, target, due(start, hours - before, calendar))
        yield Timer(BREACH[target], it.subject, target, it.due_at(target))
        missed = due(it.due_at(target), it.terms.escalate_after_hours, calendar)
        yield Timer(TimerKind.ESCALATE, it.subject, target, missed)
