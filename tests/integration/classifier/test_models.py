"""A model comes into use while the stream goes on, and one that is broken does not."""

from pathlib import Path
from typing import Any

import psutil
import pytest

from schemas.classified import ResponseClassified
from services.classifier.activation import FittedModel, activate
from services.classifier.encoders.choice import EncoderName
from services.classifier.examples import Label, LabelledComment
from services.classifier.language import LanguageDetector
from services.classifier.learning import Learner
from services.classifier.lookup import Lookup
from services.classifier.manifest import write_manifest
from services.classifier.taxonomy import load_themes
from tests.integration.classifier.world import ROOT, Topics, classifier, message, until

OUT = ResponseClassified.TOPIC
THEMES = ROOT / "deploy" / "config" / "themes.yaml"
RESIDENT_BYTES = 500_000_000

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def broker(topics: str) -> Topics:
    return Topics(topics)


@pytest.fixture(scope="module")
def fitted() -> FittedModel:
    """Learned from words, without an encoder."""
    examples = [
        LabelledComment(text=text, labels=(Label(theme=theme, polarity=-1),), language="en")
        for theme, texts in {
            "performance": ["it is slow", "slow again", "so slow today"],
            "reliability": ["it crashes", "another crash", "crashes all day"],
        }.items()
        for text in texts
    ]
    learner = Learner(Lookup(load_themes(THEMES)), None, LanguageDetector())
    return FittedModel(EncoderName.NONE, *learner.fit(examples, ["fine", "we like it"], is_random=True))


def test_a_model_comes_into_use_and_a_broken_one_does_not(
    broker: Topics, fitted: FittedModel, tmp_path: Path
) -> None:
    models, themes = tmp_path / "models", load_themes(THEMES)
    since = broker.ends(OUT)
    with classifier(broker.bootstrap, tmp_path, MODELS_DIR=str(models)) as worker:
        worker.wait_ready()
        broker.write([message(number) for number in range(200)])
        broker.read_classified(set(range(200)), since=since)

        first = activate(models, [fitted], themes)
        until(lambda: worker.metric("feedback_classification_version") == first.version, "it is in use")
        broker.write([message(number) for number in range(200, 400)])
        broker.read_classified(set(range(200, 400)), since=since)

        (models / first.models[0].name).write_bytes(b"cut")
        write_manifest(models, first.model_copy(update={"version": first.version + 1}))
        until(lambda: worker.metric("feedback_classification_refused") == 1, "it is refused")
        broker.write([message(number) for number in range(400, 600)])
        records = broker.read_classified(set(range(600)), since=since)

        assert "what was in use stays in use" in worker.log
        answer = worker.ask("/v1/classify", {"text": "It is slow and costs too much.", "score": 9})
        assert psutil.Process(worker.process.pid).memory_info().rss < RESIDENT_BYTES
        assert worker.end() == 0

    versions = {int(event.response.source_id): event.classification_version for event in _events(records)}
    assert len(records) == len(versions)
    assert versions[0] == themes.version
    assert set(versions.values()) == {themes.version, first.version}
    assert versions[599] == first.version
    assert answer["classification_version"] == first.version
    assert answer["model_version"] == first.models[0].digest
    assert any('performance: keywords "slow"' in reason for reason in answer["why"])


def _events(records: list[Any]) -> list[ResponseClassified]:
    return [ResponseClassified.model_validate_json(record.value) for record in records]
