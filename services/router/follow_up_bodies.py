"""What callers of the HTTP API may ask of a follow-up, and the command that it means. Pure."""

from typing import Annotated, Literal

from fastapi import Body
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

from services.router.actors import known_actor, known_team
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
from services.router.people import People

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=3000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    actor: Text
    """Id or address in people.yaml of whoever does it."""


class ClaimBody(_Body):
    """Take it; of two who try, the second is refused."""

    command: Literal["claim"]

    def asked(self) -> Command:
        """As the desk takes it."""
        return Claim(self.actor)


class ReassignBody(_Body):
    """Give it to somebody."""

    command: Literal["assign"]
    to: Text
    """Id or address in people.yaml."""

    def asked(self) -> Command:
        """As the desk takes it."""
        return Reassign(self.actor, self.to)


class ContactBody(_Body):
    """Note that the customer has heard from us."""

    command: Literal["contact"]
    how: Text

    def asked(self) -> Command:
        """As the desk takes it."""
        return NoteContact(self.actor, self.how)


class ResolveBody(_Body):
    """Close it."""

    command: Literal["resolve"]
    resolution: Resolution
    root_cause: Text | None = None
    note: LongText | None = None

    def asked(self) -> Command:
        """As the desk takes it."""
        return Resolve(self.actor, self.resolution, self.root_cause, self.note)


class ReopenBody(_Body):
    """Begin it again, with new targets."""

    command: Literal["reopen"]
    why: Text

    def asked(self) -> Command:
        """As the desk takes it."""
        return Reopen(self.actor, self.why)


class SnoozeBody(_Body):
    """Remind nobody until then; the targets stay."""

    command: Literal["snooze"]
    until: AwareDatetime

    def asked(self) -> Command:
        """As the desk takes it."""
        return Snooze(self.actor, self.until)


class NoteBody(_Body):
    """Add to its history."""

    command: Literal["note"]
    note: LongText

    def asked(self) -> Command:
        """As the desk takes it."""
        return AddNote(self.actor, self.note)


class HandOverBody(_Body):
    """Give it to another team."""

    command: Literal["hand_over"]
    team: Text
    """Id in people.yaml."""

    def asked(self) -> Command:
        """As the desk takes it."""
        return HandOver(self.actor, self.team)


CommandBody = Annotated[
    ClaimBody | ReassignBody | ContactBody | ResolveBody | ReopenBody | SnoozeBody | NoteBody | HandOverBody,
    Body(discriminator="command"),
]


def command_of(body: CommandBody, people: People) -> Command:
    """The command, whoever is named in it by their id. Raises Problem for a name that nobody has."""
    named = {"actor": known_actor(people, body.actor).id}
    if isinstance(body, ReassignBody):
        named["to"] = known_actor(people, body.to, field="/to").id
    if isinstance(body, HandOverBody):
        named["team"] = known_team(people, body.team)
    return body.model_copy(update=named).asked()
