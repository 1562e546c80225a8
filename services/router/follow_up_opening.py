"""What planning an answer means for its follow-up: opened, closed, opened again, left alone. Pure."""

from dataclasses import dataclass
from datetime import datetime

from services.router.follow_up import FollowUp, FollowUpWanted, State, Targets, follow_up_id
from services.router.follow_up_commands import Close, Entry, Reopen


@dataclass(frozen=True, slots=True)
class Asked:
    """What planning says about a subject's follow-up.

    `settled`: rules that still exist, could be evaluated and do not match. `withdrawn`: the answer does not
    stand any more. `may_open`: it is young enough for a new one.
    """

    subject: str
    person_key: str
    account_id: str | None
    wanted: FollowUpWanted | None
    settled: frozenset[str]
    withdrawn: bool
    may_open: bool
    traceparent: str


def opened(asked: Asked, wanted: FollowUpWanted, targets: Targets, now: datetime) -> FollowUp:
    """The follow-up that an answer without one gets."""
    return FollowUp(
        id=follow_up_id(asked.subject),
        subject=asked.subject,
        person_key=asked.person_key,
        account_id=asked.account_id,
        rule=wanted.rule,
        terms=wanted.terms,
        team=wanted.terms.team,
        owner_id=wanted.owner_id,
        state=State.OPEN,
        opened_at=now,
        targets=targets,
        traceparent=asked.traceparent,
    )


def first_line(it: FollowUp) -> Entry:
    """How the history of a new follow-up begins."""
    return Entry("opened", None, it.rule)


def asked_again(it: FollowUp, asked: Asked) -> Close | Reopen | None:
    """What planning an answer again means for the follow-up it has.

    One that planning closed is opened again when a rule asks again; one that people resolved stays resolved.
    A rule that vanished from the file closes nothing.
    """
    is_resolved = it.state is State.RESOLVED
    if asked.withdrawn:
        return None if is_resolved else Close("answer retracted")
    if asked.wanted is not None:
        return Reopen(None, "answer edited") if is_resolved and it.closed_because else None
    return Close("answer edited") if it.rule in asked.settled and not is_resolved else None
