"""The scores as Prometheus sees them: counted when it asks, of the 90 days up to today."""

from collections.abc import Iterable

import psycopg
import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from schemas.scales import GROUPS, Metric
from services.insights.definitions import score
from services.insights.filters import read
from services.insights.source import Source

log = structlog.get_logger(__name__)


class BusinessView(Collector):
    """Gauges of every metric's score. Without PostgreSQL there are none: old ones would be believed."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The gauges without values: registering asks no database."""
        return _gauges()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges, counted now."""
        scores, margins, answers = gauges = _gauges()
        today = self._source.today()
        try:
            counting = self._source.counting()
        except psycopg.OperationalError as error:
            log.warning("the scores are not told", error=type(error).__name__)
            return []
        for metric in Metric:
            tally = counting.altogether(read([("metric", metric)], today))
            now = score(metric, tally)
            for group, number in zip(GROUPS[metric], (tally.low, tally.middle, tally.top), strict=True):
                answers.add_metric([metric, group], number)
            if now.value is not None and now.margin is not None:
                scores.add_metric([metric], now.value)
                margins.add_metric([metric], now.margin)
        return gauges


def _gauges() -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily(
            "feedback_score",
            "NPS (-100 to 100), CSAT (percent) or CES (1 to 7) of customers over the 90 days up to today.",
            labels=["metric"],
        ),
        GaugeMetricFamily(
            "feedback_score_margin", "Half the width of the score's 95 % interval.", labels=["metric"]
        ),
        GaugeMetricFamily(
            "feedback_score_answers", "Answers that the score stands on.", labels=["metric", "group"]
        ),
    )
