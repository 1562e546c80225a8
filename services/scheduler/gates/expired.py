"""The moment has passed: asked too late, the survey is about something the person has forgotten."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 72
"""After what is about the person: where such a gate is shut as well, that one is the reason."""


def check(case: Case) -> Held | None:
    """Shut for good once the program has given the occasion up."""
    if case.now < case.gives_up_at:
        return None
    expired_at, days = case.gives_up_at.isoformat(), case.program.ask_within_days
    return Held({"expired_at": expired_at, "ask_within_days": days})
