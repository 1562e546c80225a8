"""Which month a review is of."""

from datetime import date

import pytest

from services.insights.filters import BadFilter
from services.insights.review import Month

TODAY = date(2026, 11, 22)


def test_without_a_month_it_is_the_last_that_has_ended() -> None:
    assert Month.read(None, TODAY) == Month(date(2026, 10, 1), date(2026, 10, 31))
    assert Month.read(None, date(2026, 1, 1)) == Month(date(2025, 12, 1), date(2025, 12, 31))


def test_months_follow_each_other_until_today() -> None:
    month = Month.read("2024-02", TODAY)
    assert month.until == date(2024, 2, 29)
    assert month.later(TODAY) == Month.read("2024-03", TODAY)
    assert month.earlier() == Month.read("2024-01", TODAY)
    assert Month.read("2026-11", TODAY).later(TODAY) is None


@pytest.mark.parametrize("text", ["2026-12", "2026-13", "october", "9999-12", "0001-01", "2026-10-01"])
def test_what_is_no_month_that_has_begun_is_refused(text: str) -> None:
    with pytest.raises(BadFilter, match="month: expected"):
        Month.read(text, TODAY)
