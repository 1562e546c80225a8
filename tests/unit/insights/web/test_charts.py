"""The geometry of charts."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.definitions import Interval
from services.insights.web.axis import MINUS, Axis
from services.insights.web.bars import SHADES, interval_bars, shade, slices
from services.insights.web.line_chart import MOST_NAMES, Mark, Point, line_chart

VALUES = st.floats(-100, 100)
MAY = date(2026, 5, 1)


def points(*values: float | None, margin: float = 5) -> list[Point]:
    return [
        Point(MAY + timedelta(days=n), f"day {n}", value, around(value, margin))
        for n, value in enumerate(values)
    ]


def around(value: float | None, margin: float) -> Interval | None:
    return None if value is None else Interval(value - margin, value + margin)


@given(VALUES, VALUES)
def test_an_axis_holds_its_values_between_round_ends(one: float, other: float) -> None:
    low, high = sorted((one, other))
    axis = Axis(low, high)
    assert 4 <= len(axis.ticks) <= 10
    assert (axis.ticks[0].at, axis.ticks[-1].at) == (0, 100)
    assert [tick.at for tick in axis.ticks] == sorted(tick.at for tick in axis.ticks)
    assert 0 <= axis.at(low) <= axis.at(high) <= 100


def test_ticks_are_round_and_minus_signs_real() -> None:
    assert [tick.text for tick in Axis(-23.7, 31.2).ticks] == [f"{MINUS}25", "0", "25", "50"]


def test_a_line_breaks_where_nobody_answered() -> None:
    chart = line_chart(points(0, 50, None, 100), lowest=-100, highest=100)
    assert chart
    assert len(chart.lines) == len(chart.bands) == 2
    assert [dot.x for dot in chart.dots] == [0, 33.33, 100]
    heights = [dot.y for dot in chart.dots]
    assert heights == sorted(heights, reverse=True)


def test_a_band_is_cut_where_the_scale_ends() -> None:
    chart = line_chart(points(90, margin=30), lowest=-100, highest=100)
    assert chart
    assert chart.rows[-1].text == "100"
    assert chart.bands[0].split()[0] == "50,0"


def test_without_answers_there_is_nothing_to_draw() -> None:
    assert line_chart([], lowest=0, highest=1) is None
    assert line_chart(points(None, None), lowest=0, highest=1) is None


def test_marks_lie_at_their_day_and_only_within_the_time_shown() -> None:
    days = points(*range(5))
    marks = [Mark(MAY + timedelta(days=n), str(n)) for n in (-1, 2, 5)]
    chart = line_chart(days, lowest=0, highest=100, marks=marks)
    assert chart
    assert [(mark.at, mark.text) for mark in chart.marks] == [(50, "2")]


@pytest.mark.parametrize("days", [1, 6, 7, 90, 365])
def test_names_have_room(days: int) -> None:
    chart = line_chart(points(*range(days)), lowest=0, highest=400)
    assert chart
    assert 1 <= len(chart.names) <= MOST_NAMES


def test_bars_reach_from_zero_to_the_value_and_whiskers_over_the_interval() -> None:
    bars = interval_bars(
        [(50, around(50, 10)), (-50, around(-50, 10)), (None, None)], lowest=-100, highest=100
    )
    up, down, nothing = bars.bars
    assert up
    assert down
    assert nothing is None
    assert (up.start, up.end) == (bars.zero, up.start + up.width)
    assert (down.start, down.start + down.width) == (down.end, bars.zero)
    assert up.low < up.end < up.high
    assert down.low < down.end < down.high


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=11))
def test_slices_fill_the_whole_bar_without_a_gap(parts: list[int]) -> None:
    drawn = slices(parts)
    assert sum(one.width for one in drawn) == pytest.approx(100 if any(parts) else 0, abs=0.1)
    for before, after in pairwise(drawn):
        assert after.start == pytest.approx(before.start + before.width, abs=0.02)


def test_shades_go_from_nothing_to_the_fullest() -> None:
    assert [shade(part, 100) for part in (0, 1, 20, 21, 100)] == [0, 1, 1, 2, SHADES]
