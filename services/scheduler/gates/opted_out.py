"""The person does not want to be asked."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 30


def check(case: Case) -> Held | None:
    """Shut while the profile refuses this program or all of them, and after an unsubscribe."""
    person = case.facts.person
    if person.unsubscribed_at:
        return Held({"unsubscribed_at": person.unsubscribed_at.isoformat()})
    if person.refuses_all:
        return Held({"refuses": "all surveys"})
    return Held({"refuses": case.program.id}) if case.program.id in person.refuses else None
