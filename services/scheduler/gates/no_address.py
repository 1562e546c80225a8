"""Nowhere to send it: a profile may still arrive, events of different topics have no order."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 40


def check(case: Case) -> Held | None:
    """Shut until the profile has an address for one of the program's channels."""
    if case.facts.person.channels.isdisjoint(case.program.channels):
        return Held({"channels": ", ".join(case.program.channels)})
    return None
