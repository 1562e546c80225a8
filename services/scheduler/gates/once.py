"""The program asks everybody once, and this person was asked."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 52


def check(case: Case) -> Held | None:
    """Shut for good for whom a program with `gap: once` has asked."""
    if case.program.gap is not None and case.program.id in case.facts.around.asked_by:
        return Held({"gap": case.program.gap})
    return None
