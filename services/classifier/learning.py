"""From labelled comments to a model."""

from collections.abc import Sequence

import numpy as np

from services.classifier.encoders.encoder import Encoder
from services.classifier.examples import FeltComment, LabelledComment, sentiment_of
from services.classifier.features import Batch, batch
from services.classifier.fitting import Felt, Labelled, fit_heads
from services.classifier.language import LanguageDetector
from services.classifier.lexicon import Lexicon
from services.classifier.lookup import Lookup
from services.classifier.model import Heads
from services.classifier.model_file import About
from services.classifier.ngrams import WordHashes
from services.classifier.parts import Parts, take_apart

UNSAID = 2
"""In place of a sentiment that nobody stated."""
_SAMPLE = 200
"""With so many labelled comments or more, how often a theme occurs among them tells how often it occurs."""


class Learner:
    """Fits models for one taxonomy with one encoder."""

    def __init__(self, taxonomy: Lookup, encoder: Encoder | None, languages: LanguageDetector) -> None:
        self._taxonomy = taxonomy
        self._encoder = encoder
        self._languages = languages
        self._lexicon = Lexicon()
        self._hashes = WordHashes()

    def fit(
        self,
        examples: Sequence[LabelledComment],
        background: Sequence[str] = (),
        groups: Sequence[str] = (),
        *,
        is_random: bool | None = None,
        felt: Sequence[FeltComment] = (),
    ) -> tuple[About, Heads]:
        """The model of labelled comments, and of unlabelled ones for what comments are like as a whole.

        `felt` adds to what sentiments are learned from, and counts as unlabelled otherwise.

        `groups` names for each example what it belongs to, such as an organisation or a month: thresholds
        are judged on groups that a fit has not seen. `is_random` says that the examples were drawn at random,
        not chosen; unless it is given, 200 or more count as drawn.
        """
        comments = [
            *((example.text, example.language) for example in examples),
            *((one.text, one.language) for one in felt),
            *((text, None) for text in background),
        ]
        taken = [self._take_apart(text, language) for text, language in comments]
        made = batch(taken, len(self._taxonomy.themes), self._encoder, self._hashes)
        is_random = len(examples) >= _SAMPLE if is_random is None else is_random
        labelled = self.labelled(examples, groups, is_random=is_random)
        heads = fit_heads(made, np.arange(len(examples)), labelled, _felt(labelled, felt))
        about = About(
            encoder=self._encoder.identity if self._encoder else "none",
            themes=tuple(theme.id for theme in self._taxonomy.themes),
            languages=tuple(sorted({parts.language for parts in taken if parts.language})),
            comments=len(examples),
            felt=len(felt),
        )
        return about, heads

    def labelled(
        self, examples: Sequence[LabelledComment], groups: Sequence[str] = (), *, is_random: bool
    ) -> Labelled:
        """The labels as numbers."""
        numbers = {theme.id: number for number, theme in enumerate(self._taxonomy.themes)}
        themes = np.zeros((len(examples), len(numbers)), np.bool_)
        polarities = np.zeros(themes.shape, np.int64)
        sentiments = np.full(len(examples), UNSAID, np.int8)
        for row, example in enumerate(examples):
            if example.rejected:
                hit = self._take_apart(example.text, example.language).spans
                themes[row, list(hit)] = True
                themes[row, [numbers[theme] for theme in example.rejected]] = False
            for label in example.labels:
                themes[row, numbers[label.theme]] = True
                polarities[row, numbers[label.theme]] += label.polarity or 0
            felt = sentiment_of(example.labels)
            if felt is not None:
                sentiments[row] = felt
        divided = np.unique(groups, return_inverse=True)[1] if len(groups) else np.arange(len(examples))
        return Labelled(themes, np.sign(polarities).astype(np.int8), sentiments, divided, is_random)

    def batch(self, comments: Sequence[tuple[str, str | None]]) -> Batch:
        """Comments (text, language) as numbers, as a model of this learner wants them."""
        taken = [self._take_apart(text, language) for text, language in comments]
        return batch(taken, len(self._taxonomy.themes), self._encoder, self._hashes)

    def _take_apart(self, text: str, language: str | None) -> Parts:
        return take_apart(text, language or self._languages.language_of(text), self._taxonomy, self._lexicon)


def _felt(labelled: Labelled, felt: Sequence[FeltComment]) -> Felt:
    """The rows of a batch, labelled comments first, of which the sentiment is known."""
    known = np.flatnonzero(labelled.sentiments != UNSAID)
    first = len(labelled.sentiments)
    return Felt(
        rows=np.concatenate([known, np.arange(first, first + len(felt))]),
        sentiments=np.concatenate(
            [labelled.sentiments[known], np.array([one.sentiment for one in felt], np.int8)]
        ),
        weights=np.concatenate([np.ones(len(known)), [one.weight for one in felt]]),
    )
