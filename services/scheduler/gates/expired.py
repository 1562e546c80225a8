"""The moment has passed: asked too late, the survey is about something the person has forgotten."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 90
"""Last: where another gate is shut as well, that one is the reason."""


def check(case: Case) -> Held | None:
    """Shut for good once the program has given the occasion up."""
    gives_up_at = case.program.gives_up_at(case.facts.occasion.occurred_at)
    if case.now < gives_up_at:
        return None
    return Held({"expired_at": gives_up_at.isoformat(), "ask_within_days": case.program.ask_within_days})
