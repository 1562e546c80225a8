"""Whether a follow-up that was resolved or reopened closes or opens its Case. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.router.follow_up import FollowUpView, State


class Move(StrEnum):
    """What happens to the status of a Case."""

    CLOSE = "close"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class CaseState:
    """A Case as the org has it now. `by_us`: the last change was ours."""

    is_closed: bool
    changed_at: datetime
    by_us: bool


def move(case: CaseState, follow_up: FollowUpView) -> Move | None:
    """The status follows the follow-up, unless somebody changed the Case later: the latest human wins."""
    is_resolved = follow_up.state is State.RESOLVED
    decided_at = follow_up.resolved_at if is_resolved else follow_up.reopened_at
    if is_resolved == case.is_closed or decided_at is None:
        return None
    if not case.by_us and case.changed_at > decided_at:
        return None
    return Move.CLOSE if is_resolved else Move.REOPEN
