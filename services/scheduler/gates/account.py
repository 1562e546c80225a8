"""Others of the same account were asked just now."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 74


def check(case: Case) -> Held | None:
    """Shut while as many people of the account as may be were asked within the limit's time."""
    limit, asked = case.facts.terms.account_limit, case.facts.around.account_asked_at
    if limit is None:
        return None
    lately = sorted(at for at in asked if case.now < at + limit.within)
    if len(lately) < limit.people:
        return None
    return Held({"asked_of_account": len(lately)}, lately[-limit.people] + limit.within)
