"""What comes after a survey went out: another channel, a reminder, a released clock, or nothing. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from runtime.business_hours import next_opening
from schemas.requests import SurveyRequested
from schemas.survey_events import SurveyStep
from services.scheduler.facts import Person, Terms
from services.scheduler.program import Program


class Next(StrEnum):
    """What a request needs."""

    FALL_BACK = "fall_back"
    REMIND = "remind"
    RELEASE = "release"
    """Nobody saw it and nobody will: the person may be asked again."""
    NOTHING = "nothing"
    """Nor will it need anything later."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A survey that went out, and what became of it."""

    request: SurveyRequested
    """As it was last published."""
    asked_on_channel_at: datetime
    """When its present channel was asked to show it."""
    seen_at: datetime | None = None
    """Shown, clicked or answered."""
    is_over: bool = False
    """Answered, declined, refused or withdrawn."""
    undelivered: str | None = None
    """How its present channel failed: bounced or suppressed."""


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, and when."""

    what: Next
    at: datetime | None = None
    channel: str | None = None
    """The one to go on with."""


_OVER = Step(Next.NOTHING)


def next_step(
    asked: Asked, program: Program | None, person: Person, terms: Terms | None, now: datetime
) -> Step:
    """What comes next for a request, and from when on it is to be done.

    Without a program, as without its `terms`, there is nothing more to ask.
    """
    if asked.undelivered and asked.seen_at is None:
        return _undelivered(asked, asked.undelivered, program, person)
    refuses = person.refuses_all or person.unsubscribed_at or person.erased_at
    if asked.is_over or program is None or terms is None or refuses or program.id in person.refuses:
        return _OVER
    step = _unseen(asked, program, person) or _reminder(asked, program)
    if step.at is None:
        return _OVER
    at = _may_be_heard_from(max(step.at, now), terms)
    return replace(step, at=at) if at < asked.request.closes_at else _OVER


def after(asked: Asked, step: Step, now: datetime) -> SurveyRequested:
    """The next version of the request: same id, other channel or one reminder more."""
    request = asked.request
    changes: dict[str, object] = {"version": request.version + 1, "requested_at": now}
    if step.what is Next.FALL_BACK:
        changes |= {"channel": step.channel, "expires_at": request.closes_at}
    if step.what is Next.REMIND:
        changes |= {"reminder": request.reminder + 1, "expires_at": request.closes_at}
    return request.model_copy(update=changes)


def _undelivered(asked: Asked, how: str, program: Program | None, person: Person) -> Step:
    at = asked.asked_on_channel_at
    if program is None:
        return Step(Next.RELEASE, at)
    channel = None if asked.is_over else _later_channel(asked, program, person)
    if channel is not None and how == SurveyStep.BOUNCED:
        return Step(Next.FALL_BACK, at, channel)
    return Step(Next.RELEASE, at) if how in program.releases_clock else _OVER


def _unseen(asked: Asked, program: Program, person: Person) -> Step | None:
    channel = _later_channel(asked, program, person)
    if asked.seen_at is not None or channel is None or program.fallback_after_days is None:
        return None
    at = asked.asked_on_channel_at + timedelta(days=program.fallback_after_days)
    return Step(Next.FALL_BACK, at, channel)


def _later_channel(asked: Asked, program: Program, person: Person) -> str | None:
    """The next one in the program's order that reaches the person."""
    order = [str(channel) for channel in program.channels]
    present = asked.request.channel
    later = order[order.index(present) + 1 :] if present in order else []
    return next((channel for channel in later if channel in person.channels - person.bounced), None)


def _reminder(asked: Asked, program: Program) -> Step:
    days = program.reminders.after_days if program.reminders else ()
    if asked.request.reminder >= len(days):
        return _OVER
    return Step(Next.REMIND, asked.asked_on_channel_at + timedelta(days=days[asked.request.reminder]))


def _may_be_heard_from(at: datetime, terms: Terms) -> datetime:
    """The first moment from then on that is within the person's hours and no quiet period."""
    while True:
        later = max((quiet.ends for quiet in terms.quiet if quiet.begins <= at < quiet.ends), default=at)
        if terms.hours is not None:
            later = next_opening(later, terms.hours)
        if later == at:
            return at
        at = later
