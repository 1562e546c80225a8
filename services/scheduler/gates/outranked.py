"""A survey of higher priority comes due soon and would fall into this one's gap."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 64


def check(case: Case) -> Held | None:
    """Shut until the other has come due: then it is asked, and the fatigue clock decides."""
    reserve = case.facts.terms.reserve
    ahead = [
        other
        for other in case.facts.around.waiting
        if other.priority > case.program.priority and case.now < other.due_at <= case.now + reserve
    ]
    if not ahead:
        return None
    last = max(ahead, key=lambda other: other.due_at)
    return Held({"program": last.program, "due_at": last.due_at.isoformat()}, last.due_at)
