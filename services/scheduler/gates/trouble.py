"""The customer has other worries now, such as an open critical case."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 68


def check(case: Case) -> Held | None:
    """Shut while the file's `quiet_while` holds; open where it cannot be told."""
    condition = case.facts.terms.quiet_while
    if condition is None:
        return None
    try:
        is_shut = case.known.holds(condition)
    except ValueError:
        return None
    return Held({"quiet_while": condition.source}) if is_shut else None
