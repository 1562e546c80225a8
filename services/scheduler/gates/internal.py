"""Employees and test people are not customers."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 20


def check(case: Case) -> Held | None:
    """Shut while the profile says so."""
    return Held({"internal": "true"}) if case.facts.person.internal else None
