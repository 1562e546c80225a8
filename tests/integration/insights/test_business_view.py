"""Prometheus is told the scores of now, and nothing where they cannot be counted."""

import pytest
from prometheus_client import CollectorRegistry

from runtime.postgres import Pool, open_pool
from services.insights.business_view import BusinessView
from services.insights.source import Source
from tests.integration.insights.site import Still
from tests.integration.insights.world import UTC_ZONE, World, answered, profile


@pytest.fixture
def registry(pool: Pool) -> CollectorRegistry:
    world = World(pool)
    world.forget()
    scores = (0, 7, 9, 10)
    world.say(*(profile(f"p{n}", 0) for n in range(len(scores))))
    world.say(*(answered(f"p{n}", 24 * 80, score) for n, score in enumerate(scores)))
    return registry_of(pool)


def registry_of(pool: Pool) -> CollectorRegistry:
    registry = CollectorRegistry(support_collectors_without_names=False)
    registry.register(BusinessView(Source(pool=pool, clock=Still(), zone=UTC_ZONE)))
    return registry


def test_it_tells_score_margin_and_answers(registry: CollectorRegistry) -> None:
    assert registry.get_sample_value("feedback_score", {"metric": "nps"}) == 25
    assert registry.get_sample_value("feedback_score_margin", {"metric": "nps"}) == pytest.approx(
        81.3, abs=0.1
    )
    told = {
        group: registry.get_sample_value("feedback_score_answers", {"metric": "nps", "group": group})
        for group in ("detractor", "passive", "promoter")
    }
    assert told == {"detractor": 1, "passive": 1, "promoter": 2}


def test_a_metric_without_answers_has_no_score(registry: CollectorRegistry) -> None:
    assert registry.get_sample_value("feedback_score", {"metric": "ces"}) is None
    assert registry.get_sample_value("feedback_score_answers", {"metric": "ces", "group": "negative"}) == 0


def test_without_postgresql_nothing_is_told() -> None:
    with open_pool("postgresql://nobody@127.0.0.1:1/none", schema="insights", application="test") as nowhere:
        assert registry_of(nowhere).get_sample_value("feedback_score", {"metric": "nps"}) is None
