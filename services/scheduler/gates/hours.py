"""Not at night, at the weekend or on a holiday, where the person lives."""

from runtime.business_hours import is_open, next_opening
from services.scheduler.gates import Case, Held

PRECEDENCE = 80


def check(case: Case) -> Held | None:
    """Shut outside the hours in which this person may hear from us."""
    hours = case.facts.terms.hours
    if hours is None or is_open(case.now, hours):
        return None
    opens_at = next_opening(case.now, hours)
    return Held({"time_zone": hours.time_zone}, opens_at)
