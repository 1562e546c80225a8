"""Scores, margins and changes on examples that can be done by hand."""

import pytest

from schemas.scales import Metric
from services.insights.definitions import Share, Tally, change, score


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
    assert (Share(0, 0).percent, Share(0, 0).margin) == (None, None)
    assert Share(1, 4).percent == 25
    assert Share(1, 4).margin == pytest.approx(1.96 * 100 * (0.25 * 0.75 / 4) ** 0.5)


def test_a_share_is_larger_beyond_chance_or_not() -> None:
    assert Share(30, 60).exceeds(Share(10, 60))
    assert not Share(10, 60).exceeds(Share(30, 60))
    assert not Share(30, 60).exceeds(Share(25, 60))
    assert not Share(29, 29).exceeds(Share(0, 60))
    assert not Share(0, 0).exceeds(Share(0, 60))
