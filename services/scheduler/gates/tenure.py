"""New customers first try what they paid for."""

from datetime import timedelta

from services.scheduler.gates import Case, Fact, Held

PRECEDENCE = 58


def check(case: Case) -> Held | None:
    """Shut for some days after the first purchase; open for those who never bought."""
    bought, days = case.facts.person.first_purchase_at, case.program.minimum_tenure_days
    if bought is None or case.now >= bought + timedelta(days=days):
        return None
    fact: dict[str, Fact] = {"first_purchase_at": bought.isoformat(), "minimum_tenure_days": days}
    return Held(fact, bought + timedelta(days=days))
