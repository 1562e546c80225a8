"""What colleagues read about a follow-up: its history, reminders, missed targets. Pure.

Plain text that names no customer: it stands below the card or the Case that shows them, and so do their
answers to mails.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from services.router.follow_up import FollowUp, Target
from services.router.follow_up_commands import Entry
from services.router.people import People

_TARGETS = {Target.CONTACT: "First contact", Target.RESOLVE: "The resolution"}


_SENTENCES = {
    "claimed": "{who} took this.",
    "reassigned": "{who} gave this to {what}.",
    "contacted": "{who} contacted the customer: {what}",
    "resolved": "{who} resolved this: {what}",
    "reopened": "{who} opened this again: {what}",
    "noted": "{who}: {what}",
    "replied": "The customer answered our mail:\n{what}",
    "handed_over": "{who} handed this over to {what}.",
    "snoozed": "{who} put this off until {what}.",
    "sla_breached": "{what} is overdue.",
    "closed": "Closed: {what}.",
}


def history_line(entry: Entry, people: People) -> str | None:
    """One line of the history; None for what only the product needs to know."""
    sentence = _SENTENCES.get(entry.what)
    if sentence is None:
        return None
    return sentence.format(who=_name(entry.actor, people), what=_what(entry, people))


def _what(entry: Entry, people: People) -> str:
    detail = entry.detail or ""
    match entry.what:
        case "reassigned":
            to, _, why = detail.partition(": ")
            return _name(to, people) + (f" ({why})" if why else "")
        case "handed_over":
            team = people.teams.get(detail)
            return team.name if team else detail
        case "snoozed":
            return _at(datetime.fromisoformat(detail), people.calendar(entry.actor, "").time_zone)
        case "sla_breached":
            return _TARGETS[Target(detail)]
    return detail


def reminder(it: FollowUp, target: Target, people: People) -> str:
    """To the owner, before a target."""
    zone = people.calendar(it.owner_id, it.team).time_zone
    unowned = "" if it.owner_id else " Nobody has taken this yet."
    return f"{_TARGETS[target]} is due by {_at(it.due_at(target), zone)}.{unowned}"


def escalation(it: FollowUp, target: Target, people: People) -> str:
    """To the manager, after a missed target."""
    zone = people.calendar(it.owner_id, it.team).time_zone
    owner = _name(it.owner_id, people) if it.owner_id else "nobody"
    return f"{_TARGETS[target]} was due by {_at(it.due_at(target), zone)} and is still owed. Owner: {owner}."


def _name(id_: str | None, people: People) -> str:
    person = people.person(id_)
    return person.name if person else id_ or "feedback-router"


def _at(when: datetime, zone: str) -> str:
    return f"{when.astimezone(ZoneInfo(zone)):%A %-d %B, %H:%M} ({zone})"
