"""When a delivery may happen."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from runtime.business_hours import Calendar, Span
from services.router.timing import (
    DEFAULT_QUIET_HOURS,
    Calendars,
    Deliver,
    Quiet,
    QuietHours,
    Timing,
    not_before,
)

WEEKDAYS = (Span(time(9), time(17)),) * 5 + (None,) * 2
OFFICE = Calendar("Europe/Berlin", WEEKDAYS)
CALENDARS = Calendars(OFFICE, DEFAULT_QUIET_HOURS.calendar("America/New_York"))
MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SATURDAY = datetime(2026, 3, 7, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("deliver", "now", "expected"),
    [
        (Deliver.AT_ONCE, SATURDAY, None),
        (Deliver.BUSINESS_HOURS, MONDAY_NOON, None),
        (Deliver.BUSINESS_HOURS, SATURDAY, datetime(2026, 3, 9, 8, tzinfo=UTC)),
        (Deliver.OUTSIDE_QUIET_HOURS, datetime(2026, 3, 2, 14, tzinfo=UTC), None),
        (Deliver.OUTSIDE_QUIET_HOURS, MONDAY_NOON, datetime(2026, 3, 2, 13, tzinfo=UTC)),
    ],
)
def test_what_comes_at_the_wrong_hour_waits_for_the_next_right_one(
    deliver: Deliver, now: datetime, expected: datetime | None
) -> None:
    assert not_before(Timing(deliver=deliver), now, now, CALENDARS) == expected


def test_days_count_from_the_answer_and_not_from_when_it_was_heard_of() -> None:
    timing = Timing(timedelta(days=3))
    answered = MONDAY_NOON
    heard = answered + timedelta(days=1)
    assert not_before(timing, answered, heard, CALENDARS) == answered + timedelta(days=3)
    assert not_before(timing, answered, answered + timedelta(days=4), CALENDARS) is None


@given(
    minutes=st.integers(0, 60 * 24 * 60),
    after_days=st.floats(0, 30),
    deliver=st.sampled_from(Deliver),
    zone=st.sampled_from(["Asia/Tokyo", "America/Sao_Paulo", "Europe/London", None]),
)
def test_it_is_never_too_early_and_never_at_night(
    minutes: int, after_days: float, deliver: Deliver, zone: str | None
) -> None:
    now = MONDAY_NOON + timedelta(minutes=minutes)
    timing = Timing(timedelta(days=after_days), deliver)
    calendars = Calendars(OFFICE, DEFAULT_QUIET_HOURS.calendar(zone))
    at = not_before(timing, MONDAY_NOON, now, calendars) or now
    assert at >= max(now, MONDAY_NOON + timing.after)
    if deliver is Deliver.OUTSIDE_QUIET_HOURS:
        assert 8 <= at.astimezone(ZoneInfo(zone or "UTC")).hour < 21
    if deliver is Deliver.BUSINESS_HOURS:
        local = at.astimezone(ZoneInfo("Europe/Berlin"))
        assert local.weekday() < 5
        assert 9 <= local.hour < 17


@pytest.mark.parametrize("zone", [None, "", "Nowhere/Atlantis", "../../etc/passwd"])
def test_an_unknown_time_zone_counts_as_utc(zone: str | None) -> None:
    assert DEFAULT_QUIET_HOURS.calendar(zone).time_zone == "UTC"


QUIET = TypeAdapter[Quiet](QuietHours)


def test_quiet_hours_as_people_write_them() -> None:
    assert QUIET.validate_python("22:30-07:00") == Quiet(time(22, 30), time(7))


@pytest.mark.parametrize("written", ["22-7", "25:00-07:00", "08:00-21:00", "", "22:00-"])
def test_hours_that_are_none_are_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="21:00-08:00"):
        QUIET.validate_python(written)
