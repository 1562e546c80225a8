"""How far business hours reach."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.business_hours import Calendar, Span, due, is_open, next_opening

OFFICE = Span(time(9), time(17))
BERLIN = Calendar("Europe/Berlin", (OFFICE,) * 5 + (None, None), "DE")


def at(text: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "hours", "expected"),
    [
        pytest.param("2026-11-23 10:00", 4, "2026-11-23 14:00", id="within a day"),
        pytest.param("2026-11-23 10:00", 7, "2026-11-23 17:00", id="until the day ends, not the next begins"),
        pytest.param("2026-11-23 10:00", 8, "2026-11-24 10:00", id="over night"),
        pytest.param("2026-11-20 16:00", 2, "2026-11-23 10:00", id="over a weekend"),
        pytest.param("2026-11-21 12:00", 1, "2026-11-23 10:00", id="from a weekend"),
        pytest.param("2026-11-23 07:00", 1, "2026-11-23 10:00", id="from before work"),
        pytest.param("2026-12-24 16:00", 2, "2026-12-28 10:00", id="over Christmas and a weekend"),
        pytest.param(
            "2026-11-23 18:00", 0, "2026-11-24 09:00", id="no hours at night are over in the morning"
        ),
        pytest.param("2026-11-23 10:00", 40, "2026-11-30 10:00", id="a week"),
    ],
)
def test_a_target(start: str, hours: float, expected: str) -> None:
    assert due(at(start), hours, BERLIN) == at(expected)


NIGHT = Calendar("Europe/Berlin", (Span(time(0), time(0)),) * 7)
"""Round the clock."""


@pytest.mark.parametrize(
    ("start", "expected"),
    [("2026-03-28 12:00", "2026-03-29 13:00"), ("2026-10-24 12:00", "2026-10-25 11:00")],
)
def test_hours_are_those_that_pass_when_clocks_change(start: str, expected: str) -> None:
    assert due(at(start), 24, NIGHT) == at(expected)


def test_work_in_the_hour_that_spring_leaves_out_has_no_length() -> None:
    calendar = Calendar("Europe/Berlin", (Span(time(2, 15), time(2, 45)),) * 7)
    assert due(at("2026-03-28 12:00"), 0.25, calendar) == at("2026-03-29 03:30")


@pytest.mark.parametrize(
    ("moment", "is_work"),
    [
        ("2026-11-23 08:59", False),
        ("2026-11-23 09:00", True),
        ("2026-11-23 17:00", False),
        ("2026-12-25 10:00", False),
    ],
)
def test_working_time(moment: str, is_work: bool) -> None:
    assert is_open(at(moment), BERLIN) is is_work


def test_no_working_time_is_an_error_not_a_loop_without_end() -> None:
    with pytest.raises(ValueError, match="no working time"):
        due(at("2026-11-23 10:00"), 1, Calendar("UTC", (None,) * 7))


SPANS = st.one_of(
    st.none(),
    st.builds(
        lambda opens, minutes: Span(time(opens // 60, opens % 60), _end(opens + minutes)),
        opens=st.integers(0, 23 * 60),
        minutes=st.integers(1, 60 * 24),
    ),
)
CALENDARS = st.builds(
    Calendar,
    time_zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]),
    week=st.tuples(*[SPANS] * 6, st.just(OFFICE)),
    country=st.sampled_from([None, "DE", "US-NY", "JP"]),
)
STARTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def _end(minutes: int) -> time:
    return time.min if minutes >= 24 * 60 else time(minutes // 60, minutes % 60)


@given(start=STARTS, first=st.integers(0, 100), second=st.integers(0, 100), calendar=CALENDARS)
def test_hours_add_up(start: datetime, first: int, second: int, calendar: Calendar) -> None:
    # In quarters of an hour, which floats and timedeltas hold exactly.
    at_once = due(start, (first + second) / 4, calendar)
    in_turn = due(due(start, first / 4, calendar), second / 4, calendar)
    assert in_turn == at_once or (second == 0 and in_turn == next_opening(at_once, calendar))


@given(start=STARTS, hours=st.integers(0, 400).map(lambda quarters: quarters / 4), calendar=CALENDARS)
def test_a_target_is_reached_in_working_time_and_not_before_the_hours_have_passed(
    start: datetime, hours: float, calendar: Calendar
) -> None:
    target = due(start, hours, calendar)
    assert target - start >= timedelta(hours=hours)
    assert is_open(target, calendar) or is_open(target - timedelta(microseconds=1), calendar)
    assert next_opening(target, calendar) >= target


@given(start=STARTS, later=st.integers(0, 100_000), hours=st.integers(0, 40), calendar=CALENDARS)
def test_who_starts_later_is_due_no_earlier(
    start: datetime, later: int, hours: int, calendar: Calendar
) -> None:
    assert due(start + timedelta(seconds=later), hours, calendar) >= due(start, hours, calendar)
