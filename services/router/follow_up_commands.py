"""What can be done with a follow-up. Pure.

Each command is decided on the follow-up as it stands and the time. It gives the follow-up afterwards and
what is to be remembered, or the reason why nothing changes.
`actor` is an id of people.yaml, None the product.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from schemas.outcomes import OutcomeKind
from services.router.follow_up import FollowUp, Resolution, State, Target, Targets


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the history."""

    what: str
    actor: str | None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a command leads to. Without an entry nothing changed: it had been done before.

    The outcome, if any, is what the rest of the product hears.
    """

    follow_up: FollowUp
    entry: Entry | None = None
    outcome: OutcomeKind | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command is not carried out; `holder` is who has the follow-up, where that is the reason."""

    reason: str
    holder: str | None = None


Decision = Change | Refusal


@dataclass(frozen=True, slots=True)
class Claim:
    """Take it. Compare-and-set: of two who claim, the second learns who has it."""

    actor: str

    def decide(self, it: FollowUp, now: datetime, _restarted: Targets) -> Decision:
        """The owner changes unless somebody claimed before."""
        if it.state is not State.OPEN and it.owner_id is not None:
            if it.owner_id == self.actor:
                return Change(it)
            return Refusal(f"{it.owner_id} has it already", it.owner_id)
        # Handed over after the first contact, it has been heard and is nobody's.
        state = State.CLAIMED if it.state is State.OPEN else it.state
        claimed = replace(it, state=state, owner_id=self.actor, claimed_at=now, snoozed_until=None)
        return _changed(claimed, Entry("claimed", self.actor), OutcomeKind.CLAIMED)


@dataclass(frozen=True, slots=True)
class Reassign:
    """Give it to somebody; targets stay as they were promised."""

    actor: str | None
    to: str
    why: str | None = None

    def decide(self, it: FollowUp, _now: datetime, _restarted: Targets) -> Decision:
        """The owner changes, the state does not."""
        if self.to == it.owner_id:
            return Change(it)
        detail = f"{self.to}: {self.why}" if self.why else self.to
        entry = Entry("reassigned", self.actor, detail)
        return _changed(replace(it, owner_id=self.to), entry, OutcomeKind.REASSIGNED)


@dataclass(frozen=True, slots=True)
class NoteContact:
    """The customer has heard from us; `how`: phone, e-mail, a meeting."""

    actor: str
    how: str

    def decide(self, it: FollowUp, now: datetime, _restarted: Targets) -> Decision:
        """The first contact meets its target; later ones are remembered."""
        entry = Entry("contacted", self.actor, self.how)
        heard = replace(
            it,
            contacted_by=self.actor,
            contacted_how=self.how,
            # Whoever talks to the customer without having claimed has it now.
            owner_id=it.owner_id or self.actor,
        )
        if it.state is State.CONTACTED:
            return Change(it) if heard == it else _changed(heard, entry)
        contacted = replace(heard, state=State.CONTACTED, contacted_at=now, snoozed_until=None)
        return _changed(contacted, entry, OutcomeKind.CONTACTED)


@dataclass(frozen=True, slots=True)
class Resolve:
    """It is done."""

    actor: str
    resolution: Resolution
    root_cause: str | None = None
    note: str | None = None

    def decide(self, it: FollowUp, now: datetime, _restarted: Targets) -> Decision:
        """It ends, whatever state it was in."""
        if it.state is State.RESOLVED:
            is_same = (it.resolved_by, it.resolution) == (self.actor, self.resolution)
            return Change(it) if is_same else _closed_already(it)
        resolved = replace(
            it,
            state=State.RESOLVED,
            owner_id=it.owner_id or self.actor,
            resolved_at=now,
            resolved_by=self.actor,
            resolution=self.resolution,
            root_cause=self.root_cause,
            snoozed_until=None,
        )
        detail = "; ".join(part for part in (self.resolution, self.root_cause, self.note) if part)
        return _changed(resolved, Entry("resolved", self.actor, detail), OutcomeKind.RESOLVED)


@dataclass(frozen=True, slots=True)
class Reopen:
    """It is not done after all: it begins again, with targets of its own."""

    actor: str | None
    why: str

    def decide(self, it: FollowUp, now: datetime, restarted: Targets) -> Decision:
        """Open again, its owner kept."""
        if it.state is not State.RESOLVED:
            return Change(it)
        reopened = replace(
            it,
            state=State.OPEN,
            targets=restarted,
            reopened_at=now,
            claimed_at=None,
            contacted_at=None,
            contacted_by=None,
            contacted_how=None,
            resolved_at=None,
            resolved_by=None,
            resolution=None,
            root_cause=None,
            closed_because=None,
            contact_breached_at=None,
            resolve_breached_at=None,
        )
        return _changed(reopened, Entry("reopened", self.actor, self.why), OutcomeKind.REOPENED)


@dataclass(frozen=True, slots=True)
class Snooze:
    """Remind nobody until then; the targets stay."""

    actor: str
    until: datetime

    def decide(self, it: FollowUp, now: datetime, _restarted: Targets) -> Decision:
        """Reminders and escalations wait."""
        if self.until <= now:
            return Refusal("the time to be reminded at has passed already")
        if self.until == it.snoozed_until:
            return Change(it)
        entry = Entry("snoozed", self.actor, self.until.isoformat(timespec="minutes"))
        return _changed(replace(it, snoozed_until=self.until), entry)


@dataclass(frozen=True, slots=True)
class AddNote:
    """Something that others should know."""

    actor: str
    note: str

    def decide(self, it: FollowUp, _now: datetime, _restarted: Targets) -> Decision:
        """Remembered, in whatever state."""
        return _changed(it, Entry("noted", self.actor, self.note))


@dataclass(frozen=True, slots=True)
class NoteReply:
    """The customer answered a mail of ours."""

    text: str

    def decide(self, it: FollowUp, _now: datetime, _restarted: Targets) -> Decision:
        """Remembered, in whatever state."""
        return _changed(it, Entry("replied", None, self.text))


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give it to another team, of which somebody has to claim it."""

    actor: str
    team: str

    def decide(self, it: FollowUp, _now: datetime, _restarted: Targets) -> Decision:
        """Nobody owns it any more; what the customer heard stays said."""
        if self.team == it.team:
            return Change(it)
        state = State.OPEN if it.state is State.CLAIMED else it.state
        handed = replace(it, team=self.team, owner_id=None, state=state, claimed_at=None)
        return _changed(handed, Entry("handed_over", self.actor, self.team), OutcomeKind.REASSIGNED)


@dataclass(frozen=True, slots=True)
class Wake:
    """A snooze may have ended."""

    actor: None = None

    def decide(self, it: FollowUp, now: datetime, _restarted: Targets) -> Decision:
        """It ends unless it was prolonged."""
        if it.snoozed_until is None or it.snoozed_until > now:
            return Change(it)
        return _changed(replace(it, snoozed_until=None), Entry("woken", None))


@dataclass(frozen=True, slots=True)
class NoteBreach:
    """A target may have been missed."""

    target: Target
    actor: None = None

    def decide(self, it: FollowUp, now: datetime, _restarted: Targets) -> Decision:
        """Recorded once, and only if it was."""
        is_known = it.breached_at(self.target) is not None
        if is_known or it.is_met(self.target) or now < it.due_at(self.target):
            return Change(it)
        breached = (
            replace(it, contact_breached_at=now)
            if self.target is Target.CONTACT
            else replace(it, resolve_breached_at=now)
        )
        return _changed(breached, Entry("sla_breached", None, self.target), OutcomeKind.SLA_BREACHED)


@dataclass(frozen=True, slots=True)
class Close:
    """Its reason went away: `because` the answer was retracted or edited."""

    because: str
    actor: None = None

    def decide(self, it: FollowUp, now: datetime, _restarted: Targets) -> Decision:
        """It ends without a resolution."""
        closed = replace(
            it, state=State.RESOLVED, resolved_at=now, closed_because=self.because, snoozed_until=None
        )
        return _changed(closed, Entry("closed", None, self.because), OutcomeKind.RESOLVED)


Command = (
    Claim
    | Reassign
    | NoteContact
    | Resolve
    | Reopen
    | Snooze
    | NoteReply
    | AddNote
    | HandOver
    | Wake
    | NoteBreach
    | Close
)


def decide(it: FollowUp, command: Command, now: datetime, restarted: Targets) -> Decision:
    """Decide one command. `restarted` are the targets that hold if the follow-up begins again now."""
    if it.state is State.RESOLVED and not isinstance(command, Resolve | Reopen | AddNote | NoteReply):
        return Change(it) if command.actor is None else _closed_already(it)
    return command.decide(it, now, restarted)


def _changed(it: FollowUp, entry: Entry, outcome: OutcomeKind | None = None) -> Change:
    return Change(replace(it, version=it.version + 1), entry, outcome)


def _closed_already(it: FollowUp) -> Refusal:
    return Refusal(f"it is closed already ({it.resolution or it.closed_because}): reopen it first")
