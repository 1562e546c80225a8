"""Models for measurements of time and memory: what they learned is nothing worth, what they cost is real."""

import random
from pathlib import Path

from services.classifier.activation import FittedModel, activate
from services.classifier.encoders.choice import TABLE, EncoderName, ModelName, load_encoder
from services.classifier.encoders.table_building import build_table
from services.classifier.examples import Label, LabelledComment
from services.classifier.language import LanguageDetector
from services.classifier.learning import Learner
from services.classifier.lookup import Lookup
from services.classifier.taxonomy import load_themes

COMMENTS = 600
"""Enough that words are learned too."""
MOST_SENTENCES = 4


def ensure_table(folder: Path) -> None:
    """Builds the static table unless it is there; takes minutes."""
    if (folder / TABLE).exists():
        return
    encoder = load_encoder(EncoderName.MULTILINGUAL, folder)
    if encoder is None:
        raise SystemExit("the extra `encoder` is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    build_table(folder / TABLE, encoder, told=lambda *_: None)


def activate_models(folder: Path, name: ModelName, themes: Path, sentences: list[str]) -> None:
    """Fits on made-up comments of several sentences, labelled by the themes' own keywords, and activates."""
    taxonomy = load_themes(themes)
    lookup, languages = Lookup(taxonomy), LanguageDetector()
    chance = random.Random("throwaway")  # noqa: S311 - a repeatable sample
    examples = []
    for _ in range(COMMENTS):
        text = " ".join(chance.sample(sentences, chance.randint(1, MOST_SENTENCES)))
        labels = tuple(
            Label(theme=claim.theme.id, polarity=chance.choice((-1, 0, 1)))
            for claim in lookup.claims(text, None)
        )
        examples.append(LabelledComment(text=text, labels=labels))
    fitted = []
    for encoder_name in name.encoders:
        learner = Learner(lookup, load_encoder(encoder_name, folder), languages)
        fitted.append(FittedModel(encoder_name, *learner.fit(examples)))
    activate(folder, fitted, taxonomy)
