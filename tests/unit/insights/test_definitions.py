"""Scores, margins and changes on examples that can be done by hand."""

import pytest

from schemas.scales import Metric
from services.insights.definitions import Share, Tally, change, change_of_share, score


def test_the_example_of_a_hundred_answers_is_ten_give_or_take_fifteen() -> None:
    nps = score(Metric.NPS, Tally(low=25, middle=40, top=35))
    assert nps.value == 10
    assert nps.margin == pytest.approx(15.06, abs=0.01)
    assert not nps.is_low


def test_nobody_who_answered_has_no_score() -> None:
    nothing = score(Metric.NPS, Tally())
    assert (nothing.value, nothing.margin, nothing.is_low) == (None, None, True)


def test_csat_is_the_share_of_the_satisfied_and_ces_the_mean() -> None:
    assert score(Metric.CSAT, Tally(1, 1, 2)).value == 50
    ces = score(Metric.CES, Tally(low=1, top=2, total=1 + 6 + 7, squares=1 + 36 + 49))
    assert ces.value == pytest.approx(14 / 3)
    assert ces.standard_error == pytest.approx((86 / 3 - (14 / 3) ** 2) ** 0.5 / 3**0.5)


def test_a_change_is_significant_beyond_both_margins_together() -> None:
    before, after = score(Metric.NPS, Tally(25, 40, 35)), score(Metric.NPS, Tally(10, 40, 50))
    found = change(before, after)
    assert found is not None
    assert found.value == 30
    assert found.margin == pytest.approx(1.96 * (59 + 44) ** 0.5)
    assert found.is_significant


def test_few_answers_make_no_change_significant() -> None:
    found = change(score(Metric.NPS, Tally(low=20)), score(Metric.NPS, Tally(top=500)))
    assert found is not None
    assert found.is_low
    assert not found.is_significant


def test_a_share_of_nothing_is_none() -> None:
    assert (Share(0, 0).percent, Share(0, 0).interval, Share(0, 0).minus(Share(1, 2))) == (None, None, None)


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 10, 0, 27.75), (10, 10, 72.25, 100), (1, 4, 4.56, 69.94), (81, 263, 25.53, 36.62)],
)
def test_a_shares_interval_is_wilsons(part: int, whole: int, low: float, high: float) -> None:
    ends = Share(part, whole).interval
    assert ends is not None
    assert (ends.low, ends.high) == pytest.approx((low, high), abs=0.005)


def test_csat_is_a_share_and_has_a_shares_interval() -> None:
    csat = score(Metric.CSAT, Tally(top=10))
    assert (csat.value, csat.interval) == (100, Share(10, 10).interval)
    assert csat.margin == pytest.approx(27.75 / 2, abs=0.005)
    moved = change(score(Metric.CSAT, Tally(low=30, top=70)), score(Metric.CSAT, Tally(top=100)))
    assert moved == change_of_share(Share(70, 100), Share(100, 100))


@pytest.mark.parametrize(
    ("one", "other", "points", "low", "high"),
    [
        # Newcombe 1998, table II, method 10
        (Share(56, 70), Share(48, 80), 20, 5.24, 33.39),
        (Share(9, 10), Share(3, 10), 60, 17.05, 80.90),
        (Share(10, 10), Share(0, 10), 100, 60.75, 100),
    ],
)
def test_the_difference_of_two_shares(
    one: Share, other: Share, points: float, low: float, high: float
) -> None:
    found = one.minus(other)
    assert found is not None
    assert found.points == pytest.approx(points)
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=0.01)


def test_a_changed_share_has_the_margin_of_the_side_of_no_change() -> None:
    up, down = change_of_share(Share(48, 80), Share(56, 70)), change_of_share(Share(56, 70), Share(48, 80))
    assert up is not None
    assert down is not None
    assert (up.value, down.value) == pytest.approx((20, -20))
    assert up.margin == down.margin == pytest.approx(20 - 5.24, abs=0.01)
    assert change_of_share(Share(0, 0), Share(1, 2)) is None


def test_a_share_is_larger_beyond_chance_or_not() -> None:
    assert Share(30, 60).exceeds(Share(10, 60))
    assert not Share(10, 60).exceeds(Share(30, 60))
    assert not Share(30, 60).exceeds(Share(25, 60))
    assert not Share(29, 29).exceeds(Share(0, 60))
    assert not Share(0, 0).exceeds(Share(0, 60))
