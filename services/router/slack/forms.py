"""From a button to its form, and from what was filled in to commands. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.router.follow_up import Resolution
from services.router.follow_up_commands import (
    AddNote,
    Claim,
    Command,
    HandOver,
    NoteContact,
    Reassign,
    Reopen,
    Resolve,
    Snooze,
)
from services.router.people import People, Person
from services.router.slack import modals
from services.router.slack.content import Card
from services.router.slack.follow_up_part import Verb
from services.router.slack.modals import View
from services.router.slack.requests import Submitted

MORNING = time(9)
"""When a snooze ends, where the person works."""
PRODUCT_TEAM = "product"
"""Proposed when an answer is handed over."""


@dataclass(frozen=True)
class Forms:
    """The forms of one deployment. `themes` are names by id."""

    people: People
    themes: Mapping[str, str] = field(default_factory=dict)

    def form(self, verb: Verb, card: Card, who: Person, now: datetime) -> View | None:
        """The form behind a button; None where it has none or there is nobody to write to."""
        subject = card.subject
        forms: Mapping[Verb, Callable[[], View | None]] = {
            Verb.CONTACTED: lambda: modals.contacted(subject),
            Verb.RESOLVE: lambda: modals.resolve(subject),
            Verb.REOPEN: lambda: modals.reopen(subject),
            Verb.REASSIGN: lambda: modals.reassign(subject, self._colleagues()),
            Verb.HAND_OVER: lambda: modals.hand_over(subject, self._teams(), PRODUCT_TEAM),
            Verb.SNOOZE: lambda: modals.snooze(subject, _tomorrow(who, now)),
            Verb.STOP_ASKING: lambda: modals.stop_asking(subject, card.customer),
            Verb.NOT_USEFUL: lambda: modals.not_useful(card, self.themes),
            Verb.REPLY: lambda: _reply(card, who),
        }
        return forms[verb]() if verb in forms else None

    def _colleagues(self) -> dict[str, str]:
        return {person.id: person.name for person in self.people.persons.values()}

    def _teams(self) -> dict[str, str]:
        return {id_: team.name for id_, team in self.people.teams.items()}


def _reply(card: Card, who: Person) -> View | None:
    if card.draft is None:
        return None
    return modals.reply(card.subject, card.draft.signed(who.name, instead_of=card.owner_name))


def commands(form: Submitted, who: Person) -> list[Command]:
    """What a submitted form asks of the follow-up; nothing where it asks something else.

    Raises ValueError for what the form does not offer.
    """
    note = form.text("note")
    notes: list[Command] = [AddNote(who.id, note)] if note else []
    meant: Mapping[Verb, Callable[[], list[Command]]] = {
        Verb.CLAIM: lambda: [Claim(who.id)],
        Verb.CONTACTED: lambda: [NoteContact(who.id, form.text("how") or "other"), *notes],
        Verb.RESOLVE: lambda: [
            Resolve(who.id, Resolution(form.text("resolution") or ""), form.text("root_cause"), note)
        ],
        Verb.REOPEN: lambda: [Reopen(who.id, form.text("why") or "")],
        Verb.REASSIGN: lambda: [Reassign(who.id, form.text("to") or "")],
        Verb.HAND_OVER: lambda: [HandOver(who.id, form.text("team") or ""), *notes],
        Verb.SNOOZE: lambda: [Snooze(who.id, _morning(form.text("until") or "", who))],
    }
    return meant[form.verb]() if form.verb in meant else []


def _tomorrow(who: Person, now: datetime) -> date:
    return now.astimezone(ZoneInfo(who.time_zone)).date() + timedelta(days=1)


def _morning(day: str, who: Person) -> datetime:
    there = datetime.combine(date.fromisoformat(day), MORNING, ZoneInfo(who.time_zone))
    return there.astimezone(UTC)
