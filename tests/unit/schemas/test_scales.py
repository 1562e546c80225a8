import pytest

from schemas.scales import SCALES, Group, Metric, group_of


@pytest.mark.parametrize(
    ("metric", "scores", "group"),
    [
        (Metric.NPS, range(7), Group.DETRACTOR),
        (Metric.NPS, range(7, 9), Group.PASSIVE),
        (Metric.NPS, range(9, 11), Group.PROMOTER),
        (Metric.CSAT, range(1, 3), Group.NEGATIVE),
        (Metric.CSAT, range(3, 4), Group.NEUTRAL),
        (Metric.CSAT, range(4, 6), Group.POSITIVE),
        (Metric.CES, range(1, 4), Group.NEGATIVE),
        (Metric.CES, range(4, 5), Group.NEUTRAL),
        (Metric.CES, range(5, 8), Group.POSITIVE),
    ],
)
def test_each_score_has_its_group(metric: Metric, scores: range, group: Group) -> None:
    assert {group_of(metric, score) for score in scores} == {group}


@pytest.mark.parametrize("metric", Metric)
def test_a_score_off_the_scale_is_refused_with_the_scale(metric: Metric) -> None:
    scale = SCALES[metric]
    for score in (scale.lowest - 1, scale.highest + 1):
        with pytest.raises(ValueError, match=f"from {scale.lowest} to {scale.highest}"):
            group_of(metric, score)
