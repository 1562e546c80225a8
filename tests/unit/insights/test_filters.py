"""A filter is what its address says, and says so again."""

from datetime import date

import pytest

from schemas.scales import Metric
from services.insights.filters import BadFilter, Dimension, Filter, Rolling, read

TODAY = date(2026, 11, 22)


def test_nothing_said_is_the_nps_of_ninety_days() -> None:
    assert read([], TODAY) == Filter(Metric.NPS, date(2026, 8, 25), TODAY)


def test_what_is_written_is_read_again() -> None:
    wanted = (
        Filter(Metric.CES, date(2026, 1, 1), date(2026, 3, 31), Rolling.MONTH)
        .choosing(Dimension.THEME, "price & value", "speed")
        .choosing(Dimension.SEGMENT, "")
    )
    assert read(wanted.parameters(), TODAY) == wanted


def test_other_parameters_are_passed_over_and_values_named_twice_count_once() -> None:
    wanted = read([("page", "2"), ("segment", "smb"), ("segment", "smb"), ("metric", "")], TODAY)
    assert wanted.of(Dimension.SEGMENT) == ("smb",)
    assert wanted.choosing(Dimension.SEGMENT).chosen == ()


def test_the_period_before_is_as_long_and_ends_the_day_before() -> None:
    before = Filter(Metric.NPS, date(2026, 3, 1), date(2026, 3, 31)).before()
    assert (before.since, before.until) == (date(2026, 1, 29), date(2026, 2, 28))


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ([("metric", "stars")], "metric"),
        ([("rolling", "7")], "rolling"),
        ([("from", "yesterday")], "from"),
        ([("from", "2026-11-23")], "from"),
        ([("from", "1990-01-01")], "from"),
        ([("segment", "x" * 321)], "segment"),
        ([("theme", str(number)) for number in range(51)], "theme"),
    ],
)
def test_what_cannot_be_used_is_named(parameters: list[tuple[str, str]], named: str) -> None:
    with pytest.raises(BadFilter, match=f"^{named}: expected ") as refused:
        read(parameters, TODAY)
    assert refused.value.parameter == named
