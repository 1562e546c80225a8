"""Enough of this segment were asked this month."""

from datetime import UTC, datetime, time, timedelta

from services.scheduler.gates import Case, Held

PRECEDENCE = 84


def check(case: Case) -> Held | None:
    """Shut until the next month (UTC) once the segment's quota is used up."""
    around, segment = case.facts.around, case.facts.person.segment
    most = case.program.quota.get(segment) if segment else None
    if most is None or around.day is None or around.day.replace(day=1) != case.now.date().replace(day=1):
        return None
    if around.asked_this_month_of_segment < most:
        return None
    return Held({"segment": segment, "quota": most}, _next_month(case.now))


def next_day(now: datetime) -> datetime:
    """When the next UTC day begins."""
    return datetime.combine(now.date() + timedelta(days=1), time.min, UTC)


def _next_month(now: datetime) -> datetime:
    return next_day(now.replace(day=1) + timedelta(days=31)).replace(day=1)
