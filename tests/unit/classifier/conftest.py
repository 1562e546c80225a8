"""A taxonomy of three themes, and responses to classify."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from runtime.yaml_file import parse_yaml
from schemas.responses import Order, ResponseRecorded, response_id
from schemas.scales import Metric
from services.classifier.language import LanguageDetector
from services.classifier.lookup import Lookup
from services.classifier.mentions import Roster
from services.classifier.reader import Reader
from services.classifier.taxonomy import Themes

THEMES = """
version: 7
themes:
  - id: pricing
    name: Price
    description: What it costs.
    function: Sales
    keywords: {en: [expensive, too expensive, price increase], de: [teuer], fr: [coûteux]}
  - id: reliability
    name: Bugs
    description: What breaks.
    function: Product
    keywords: {en: [crash, "doesn't work"], de: [Absturz, stürzt ab], fr: [plante]}
  - id: speed
    name: Speed
    description: What is slow.
    function: Product
    keywords: {en: [slow, slow down]}
"""

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
Answer = Callable[..., ResponseRecorded]


@pytest.fixture(scope="session")
def taxonomy() -> Lookup:
    return Lookup(parse_yaml(THEMES, Themes, name="themes.yaml"))


@pytest.fixture(scope="session")
def reader(taxonomy: Lookup) -> Reader:
    return Reader(taxonomy, languages=LanguageDetector(), roster=Roster(["Priya Raman", "Jonas Weber"]))


@pytest.fixture(scope="session")
def answer() -> Answer:
    def made(
        comment: str | None = None,
        *,
        metric: Metric = Metric.NPS,
        score: int | None = 3,
        language: str | None = None,
    ) -> ResponseRecorded:
        return ResponseRecorded(
            response_id=response_id("test", "1"),
            person_key="p" * 32,
            source="test",
            source_id="1",
            order=Order(revision=1, tie=1),
            metric=metric,
            score=score,
            comment=comment,
            language=language,
            responded_at=NOW,
            received_at=NOW,
        )

    return made
