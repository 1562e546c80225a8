"""Learning from labelled comments, as `feedback classify` and `feedback themes` do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.classifier.activation import FittedModel
from services.classifier.encoders.choice import EncoderName, ModelName, load_encoder
from services.classifier.encoders.encoder import Encoder
from services.classifier.examples import FeltComment, LabelledComment
from services.classifier.language import LanguageDetector
from services.classifier.learning import Learner
from services.classifier.lookup import Lookup
from services.classifier.model import Model
from services.classifier.taxonomy import Themes


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is learned from."""

    examples: Sequence[LabelledComment]
    background: Sequence[str] = ()
    felt: Sequence[FeltComment] = ()


@dataclass(frozen=True, slots=True)
class Learned:
    """A model, to be written and to be used."""

    fitted: FittedModel
    ready: Model


def fit(
    name: ModelName, themes: Themes, languages: LanguageDetector, models: Path, lessons: Lessons
) -> Iterator[Learned]:
    """A model for each encoder, the quicker one first; raises MissingEncoder, UnreadableTable."""
    for encoder_name, encoder in encoders(name, models):
        learner = Learner(Lookup(themes), encoder, languages)
        about, heads = learner.fit(lessons.examples, lessons.background, felt=lessons.felt)
        yield Learned(
            FittedModel(encoder_name, about, heads),
            Model(heads, encoder, version="unsaved", fitted=about.languages),
        )


def encoders(name: ModelName, models: Path) -> list[tuple[EncoderName, Encoder | None]]:
    """The encoders of a model, the quicker one first; raises MissingEncoder, UnreadableTable."""
    return [(each, load_encoder(each, models)) for each in name.encoders]
