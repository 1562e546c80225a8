"""Asked, or heard from, too recently: one clock per person over all programs, channels and vendors."""

from datetime import timedelta

from services.scheduler.gates import Case, Held

PRECEDENCE = 60
CLOCKS_APART = timedelta(hours=2)
"""Two schedulers' clocks may each be an hour wrong. A gap is over when it is over by every clock."""


def check(case: Case) -> Held | None:
    """Shut until the gap since the last contact has passed."""
    last, gap = case.facts.person.last_contact_at, case.facts.terms.gap
    if last is None or case.now >= last + gap + CLOCKS_APART:
        return None
    return Held({"last_contact_at": last.isoformat(), "gap_days": gap.days}, last + gap + CLOCKS_APART)
