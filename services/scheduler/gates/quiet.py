"""A release freeze, an outage: nobody is asked."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 66


def check(case: Case) -> Held | None:
    """Shut until the end of the quiet period, or of the last of several that touch."""
    opens_at, why = case.now, ""
    for quiet in sorted(case.facts.terms.quiet, key=lambda quiet: quiet.begins):
        if quiet.begins <= opens_at < quiet.ends:
            opens_at, why = quiet.ends, why or quiet.why
    return Held({"quiet": why, "until": opens_at.isoformat()}, opens_at) if why else None
