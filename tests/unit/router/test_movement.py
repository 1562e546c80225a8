"""Where a score came from, whatever the order in which answers are heard of."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.scales import Metric, group_of
from services.router.movement import SHOWN_BEFORE, Crossing, Movement, Score, before, crossed, movement

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)


def _score(score: int, day: int, subject: str = "", metric: Metric = Metric.NPS) -> Score:
    return Score(subject or f"response:{day}", metric, score, EPOCH + timedelta(days=day))


@pytest.mark.parametrize(
    ("was", "score", "moved", "came"),
    [
        (None, 3, Movement.FIRST, None),
        (9, 9, Movement.SAME, None),
        (9, 10, Movement.UP, None),
        (10, 8, Movement.DOWN, Crossing.TO_PASSIVE),
        (8, 6, Movement.DOWN, Crossing.TO_DETRACTOR),
        (6, 0, Movement.DOWN, None),
        (0, 7, Movement.UP, Crossing.TO_PASSIVE),
        (8, 9, Movement.UP, Crossing.TO_PROMOTER),
    ],
)
def test_moving_and_crossing(was: int | None, score: int, moved: Movement, came: Crossing | None) -> None:
    previous = None if was is None else _score(was, 0)
    assert (movement(score, previous), crossed(score, previous)) == (moved, came)


def test_the_lowest_group_of_another_metric_counts_as_detractors() -> None:
    assert crossed(2, _score(4, 0, metric=Metric.CSAT)) is Crossing.TO_DETRACTOR


def test_only_earlier_scores_of_the_metric_count_and_never_the_answer_itself() -> None:
    told = [
        _score(9, 1),
        _score(2, 3, metric=Metric.CSAT),
        _score(7, 4),
        _score(5, 5, "response:own"),
        _score(1, 6),
    ]
    found = before(told, subject="response:own", metric=Metric.NPS, responded_at=EPOCH + timedelta(days=5))
    assert [score.score for score in found] == [7, 9]


SCORES = st.lists(
    st.builds(_score, st.integers(0, 10), st.integers(0, 5), st.sampled_from(["a", "b", "c", "d", "e", "f"])),
    unique_by=lambda score: score.subject,
)


@given(scores=SCORES, data=st.data())
def test_every_answer_follows_the_one_before_in_whatever_order_they_are_heard_of(
    scores: list[Score], data: st.DataObject
) -> None:
    in_order = sorted(scores, key=lambda score: (score.responded_at, score.subject))
    heard = data.draw(st.permutations(scores))
    for place, score in enumerate(in_order):
        found = before(heard, subject=score.subject, metric=score.metric, responded_at=score.responded_at)
        assert list(found) == in_order[max(0, place - SHOWN_BEFORE) : place][::-1]


@given(was=st.integers(0, 10), score=st.integers(0, 10))
def test_a_crossing_is_a_change_of_group(was: int, score: int) -> None:
    has_crossed = crossed(score, _score(was, 0)) is not None
    assert has_crossed is (group_of(Metric.NPS, was) is not group_of(Metric.NPS, score))
