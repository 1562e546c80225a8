"""The program is not for this person."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 35


def check(case: Case) -> Held | None:
    """Shut while the condition does not hold, or cannot be told."""
    condition = case.program.audience
    if condition is None:
        return None
    try:
        holds = case.known.holds(condition)
    except ValueError as error:
        return Held({"audience": condition.source, "cannot_be_told": str(error)})
    return None if holds else Held({"audience": condition.source})
