"""Some people are never asked, to compare with."""

from services.scheduler.gates import Case, Held
from services.scheduler.shares import share

PRECEDENCE = 54


def check(case: Case) -> Held | None:
    """Shut for the same share of people in every program."""
    percent = case.facts.terms.hold_out_percent
    is_held_out = 100 * share("hold out", case.facts.person.key) < percent
    return Held({"hold_out_percent": percent}) if is_held_out else None
