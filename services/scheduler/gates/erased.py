"""The person asked to be forgotten."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 10


def check(case: Case) -> Held | None:
    """Shut until the person becomes a customer anew."""
    erased_at = case.facts.person.erased_at
    return Held({"erased_at": erased_at.isoformat()}) if erased_at else None
