"""Asked, or heard from, too recently: one clock per person over all programs, channels and vendors."""

from services.scheduler.gates import Case, Held

PRECEDENCE = 60


def check(case: Case) -> Held | None:
    """Shut until the gap since the last contact has passed."""
    last, gap = case.facts.person.last_contact_at, case.facts.gap
    if last is None or case.now >= last + gap:
        return None
    return Held({"last_contact_at": last.isoformat(), "gap_days": gap.days}, opens_at=last + gap)
