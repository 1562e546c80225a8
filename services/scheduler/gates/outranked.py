"""Asking this now would leave no time for a more important survey that is planned."""

from services.scheduler.gates import Case, Held
from services.scheduler.gates.fatigue import CLOCKS_APART

PRECEDENCE = 64


def check(case: Case) -> Held | None:
    """Shut until the other has come due: then it is asked, and the fatigue clock decides."""
    gap_over_at = case.now + case.facts.terms.gap + CLOCKS_APART
    ahead = [
        other
        for other in case.facts.around.waiting
        if other.priority > case.program.priority
        and case.now < other.due_at
        and other.gives_up_at <= gap_over_at
    ]
    if not ahead:
        return None
    last = max(ahead, key=lambda other: other.due_at)
    return Held({"program": last.program, "due_at": last.due_at.isoformat()}, last.due_at)
