"""Somebody paused the program: `feedback programs pause`."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 5


def check(case: Case) -> Held | None:
    """Shut until the program is resumed, which has everything that is still in time looked at again."""
    paused_at = case.facts.around.paused_at
    return Held({"paused_at": paused_at.isoformat()}) if paused_at else None
