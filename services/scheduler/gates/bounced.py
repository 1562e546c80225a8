"""Every address the program could use refused a survey before."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 50


def check(case: Case) -> Held | None:
    """Shut until the profile has another address."""
    person = case.facts.person
    usable = person.channels & set(case.program.channels)
    return Held({"bounced": ", ".join(sorted(usable))}) if usable and usable <= person.bounced else None
