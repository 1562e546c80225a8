"""What people did with a Case in Salesforce, as commands to its follow-ups. Pure.

Polls overlap and may arrive in any order, so each Case is compared with what was last seen of it. A person
beats a program, and of two people the later one wins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.router.follow_up import FollowUp, Resolution, State
from services.router.follow_up_commands import AddNote, Command, Reassign, Reopen, Resolve

SOMEBODY = "salesforce"
"""The actor where Salesforce does not say who it was."""
PROGRAM = "automation:"
"""What the actor of a program begins with: what it did is nobody's decision."""


@dataclass(frozen=True, slots=True)
class Editor:
    """Who changed something there. `actor` is an id of people.yaml; for anybody else it names the user, and
    begins with PROGRAM for a program.
    """

    actor: str
    is_us: bool = False
    is_program: bool = False


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A Case as a poll read it. `owner` is an id of people.yaml, None for anybody else."""

    case_id: str
    stamp: datetime
    is_closed: bool
    closed_at: datetime | None
    status: str
    owner_id: str
    owner: str | None
    changed_at: datetime
    editor: Editor


@dataclass(frozen=True, slots=True)
class Seen:
    """What was last seen of a record; `status` is of campaign members."""

    stamp: datetime
    is_closed: bool
    owner_id: str
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A follow-up, and when a person last decided something about it, if ever."""

    it: FollowUp
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What follows from a row; `seen` None: an older reading than the last one."""

    commands: tuple[tuple[str, Command], ...]
    seen: Seen | None


def read_case(
    row: CaseRow, seen: Seen | None, follow_ups: Sequence[Known], resolutions: Mapping[str, Resolution]
) -> Reading:
    """Compare a Case with what was last seen of it; a new one began open, whoever owns it."""
    if seen is not None and row.stamp <= seen.stamp:
        return Reading((), None)
    commands: list[tuple[str, Command]] = []
    for known in follow_ups:
        commands += [(known.it.subject, one) for one in _asked(row, seen, known, resolutions)]
    return Reading(tuple(commands), Seen(row.stamp, row.is_closed, row.owner_id))


def _asked(
    row: CaseRow, seen: Seen | None, known: Known, resolutions: Mapping[str, Resolution]
) -> list[Command]:
    was_closed = seen is not None and seen.is_closed
    is_resolved = known.it.state is State.RESOLVED
    # Our own writes name no owner, so the owner changed by another hand, whoever wrote last.
    is_moved = seen is not None and row.owner_id != seen.owner_id
    asked: list[Command] = []
    if is_moved and row.owner is not None and not is_resolved and _wins(row, known, row.changed_at):
        asked.append(Reassign(_actor(row), row.owner, "in Salesforce"))
    is_shut = row.is_closed and not was_closed
    if is_shut and not is_resolved and _wins(row, known, row.closed_at or row.changed_at):
        resolution = resolutions.get(row.status, Resolution.FIXED)
        asked.append(Resolve(_actor(row), resolution, note="closed in Salesforce"))
    is_reopened = was_closed and not row.is_closed and not row.editor.is_us
    if is_reopened and is_resolved and _wins(row, known, row.changed_at):
        asked.append(Reopen(_actor(row), "opened again in Salesforce"))
    return asked


def read_comment(body: str, editor: Editor, follow_ups: Sequence[Known]) -> tuple[str, Command] | None:
    """What somebody wrote on a Case is a note on its newest follow-up; our own comments are none."""
    if editor.is_us or not body.strip() or not follow_ups:
        return None
    newest = max(follow_ups, key=lambda known: (known.it.opened_at, known.it.subject))
    return newest.it.subject, AddNote(editor.actor, body.strip())


def _wins(row: CaseRow, known: Known, at: datetime) -> bool:
    if row.editor.is_program and not row.editor.is_us:
        return known.decided_at is None
    return known.decided_at is None or at >= known.decided_at


def _actor(row: CaseRow) -> str:
    # After a write of ours the Case names us; it was its owner's to close.
    return row.owner or SOMEBODY if row.editor.is_us else row.editor.actor
