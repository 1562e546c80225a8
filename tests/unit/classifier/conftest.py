"""A taxonomy of three themes, and responses to classify."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from runtime.yaml_file import parse_yaml
from schemas.responses import Order, ResponseRecorded, response_id
from schemas.scales import Metric
from services.classifier.encoders.static_table import write_table
from services.classifier.examples import Label, LabelledComment
from services.classifier.language import LanguageDetector
from services.classifier.lookup import Lookup
from services.classifier.mentions import Roster
from services.classifier.ngrams import WordHashes
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
def languages() -> LanguageDetector:
    return LanguageDetector()


@pytest.fixture(scope="session")
def reader(taxonomy: Lookup, languages: LanguageDetector) -> Reader:
    return Reader(taxonomy, languages=languages, roster=Roster(["Priya Raman", "Jonas Weber"]))


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


WORDS = {
    "price": (1, 0, 0, 0), "expensive": (1, 0, 0, 0), "pricey": (0.9, 0.1, 0, 0), "costs": (0.9, 0, 0.1, 0),
    "crash": (0, 1, 0, 0), "crashes": (0, 1, 0, 0), "breaks": (0, 0.9, 0.1, 0), "bug": (0.1, 0.9, 0, 0),
    "slow": (0, 0, 1, 0), "sluggish": (0, 0.1, 0.9, 0), "waiting": (0.1, 0, 0.9, 0),
    "it": (0.1, 0.1, 0.1, 1), "the": (0.1, 0.1, 0.1, 1), "all": (0.1, 0.1, 0.1, 1), "day": (0, 0, 0.2, 1),
}  # fmt: skip
SAID = {"pricing": ("pricey", "costs"), "reliability": ("breaks", "bug"), "speed": ("sluggish", "waiting")}


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "words.table"
    write_table(
        path,
        hashes=WordHashes().of([list(WORDS)]).hashes,
        vectors=np.array(list(WORDS.values()), np.float32),
        weights=np.ones(len(WORDS), np.float32),
        languages=("en",),
    )
    return path


def examples() -> list[LabelledComment]:
    made = [
        LabelledComment(
            text=f"the {word} {'is awful' if number % 2 else 'is great'} all day {number}",
            labels=(Label(theme=theme, polarity=-1 if number % 2 else 1),),
            language="en",
        )
        for theme, words in SAID.items()
        for word in words
        for number in range(4)
    ]
    return [*made, *(LabelledComment(text=f"it the all {number}", language="en") for number in range(8))]
