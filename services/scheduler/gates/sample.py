"""Only a part of the audience is asked."""

from services.scheduler.gates import Case, Held
from services.scheduler.shares import share

PRECEDENCE = 56


def check(case: Case) -> Held | None:
    """Shut for the same people each time; raising the percentage adds people and drops none."""
    person, program = case.facts.person, case.program
    percent = program.sampled_percent(person.segment)
    if 100 * share("sample", program.id, person.key) < percent:
        return None
    return Held({"sample_percent": percent, "segment": person.segment})
