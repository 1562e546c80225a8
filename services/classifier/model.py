"""What was learned from examples, applied to comments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.classifier.encoders.encoder import Encoder, unit
from services.classifier.features import (
    FEELING_WORDS,
    THEME_WORDS,
    Batch,
    batch,
    feeling_columns,
)
from services.classifier.linear import Linear
from services.classifier.ngrams import Floats, Integers, Ngrams, WordHashes, ngrams, sums
from services.classifier.parts import Parts
from services.classifier.sentiment import Feeling, Sentiment

SENTIMENTS: tuple[Sentiment, ...] = ("negative", "neutral", "positive")
VECTOR_SCALE = 3.0
"""Vectors have length 1: without it a fit would hardly use them beside keywords."""
_FEELING_SCALE = 2.0
_KEYWORD = 100.0
"""More than any vector can say."""


@dataclass(frozen=True, slots=True)
class Heads:
    """All that was learned with one encoder."""

    background: Floats
    """The mean vector of comments: what they all have in common says nothing."""
    themes: Linear
    """One output a theme."""
    thresholds: Floats
    """A theme is claimed from here on; infinite for one that was not learned."""
    polarity: Linear | None
    """Outputs: complaint, neither, praise."""
    sentiment: Linear | None
    """Outputs as SENTIMENTS."""
    doubt: float = 0.0
    """Judged unsurely is a comment of which a theme's score is no farther from its threshold."""

    @property
    def learned(self) -> frozenset[int]:
        """Numbers of the themes there were examples of."""
        return frozenset(np.flatnonzero(np.isfinite(self.thresholds)).tolist())


@dataclass(frozen=True, slots=True)
class Found:
    """A theme that the model claims."""

    theme: int
    score: float
    """From 0.5, where it is just claimed, to 1."""
    polarity: int | None
    clause: int
    """Which of the comment's clauses says so the most."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the model makes of one comment."""

    themes: tuple[Found, ...]
    feeling: Feeling | None
    is_sure: bool = True


class Model:
    """Judges comments with an encoder's heads. Not for several threads at once."""

    def __init__(self, heads: Heads, encoder: Encoder | None, *, version: str, fitted: Iterable[str]) -> None:
        """`version` is the heads' digest, `fitted` the languages of the comments they were fitted on."""
        self.version = version
        # What vectors say in one language they say in all of the encoder's.
        self.languages = frozenset(fitted) if encoder is None else encoder.languages
        self.themes = heads.learned
        self._heads = heads
        self._encoder = encoder
        self._hashes = WordHashes()

    def judge(self, comments: Sequence[Parts]) -> list[Judgement]:
        """One judgement a comment, in the same order; each has at least one clause."""
        if not comments:
            return []
        heads = self._heads
        made = batch(comments, len(heads.thresholds), self._encoder, self._hashes)
        scores = theme_scores(heads, made)
        owners, themes = np.nonzero(scores > heads.thresholds)
        best, speaking = clauses_of_themes(heads, made, owners, themes)
        polarities: Integers | None = None
        if heads.polarity is not None and len(owners):
            columns = polarity_columns(heads.background, made, owners, speaking)
            polarities = heads.polarity.times(*columns).argmax(axis=1) - 1
        feelings = _feelings(heads, made)
        found: list[list[Found]] = [[] for _ in comments]
        sure = (distances(heads, scores) > heads.doubt).tolist()
        margins = scores[owners, themes] - heads.thresholds[themes]
        shares = 1 / (1 + np.exp(-margins.astype(np.float64)))
        for number, (owner, theme) in enumerate(zip(owners.tolist(), themes.tolist(), strict=True)):
            found[owner].append(
                Found(
                    theme=theme,
                    score=round(float(shares[number]), 3),
                    polarity=None if polarities is None else int(polarities[number]),
                    clause=int(best[number] - made.starts[owner]),
                )
            )
        return [
            Judgement(tuple(themes_of), None if feelings is None else feelings[number], sure[number])
            for number, themes_of in enumerate(found)
        ]


def theme_columns(background: Floats, made: Batch) -> Floats:
    """What themes are told by beside n-grams: each comment's vector without the background, and keywords."""
    vectors = unit(made.comment_vectors() - background) * VECTOR_SCALE
    return np.concatenate([vectors, made.comment_hits()], axis=1).astype(np.float32)


def theme_scores(heads: Heads, made: Batch) -> Floats:
    """Comments by themes."""
    grams = [made.ngrams(THEME_WORDS)] if heads.themes.grams else []
    return heads.themes.times(theme_columns(heads.background, made), grams)


def distances(heads: Heads, scores: Floats) -> Floats:
    """How far each comment is from being judged otherwise: its score that is closest to a threshold."""
    return np.asarray(np.abs(scores - heads.thresholds).min(axis=1), dtype=np.float32)


def clauses_of_themes(
    heads: Heads, made: Batch, owners: Integers, themes: Integers
) -> tuple[Integers, list[Integers]]:
    """For each (comment, theme) the clause that says so the most, and all that speak of the theme.

    Those with a keyword do; where there is none, the one whose vector says so the most.
    """
    width = made.vectors.shape[1]
    likeness = unit(made.vectors - heads.background) @ heads.themes.dense[:width] + _KEYWORD * made.hits
    best = np.empty(len(owners), np.int64)
    speaking: list[Integers] = []
    for number, (owner, theme) in enumerate(zip(owners.tolist(), themes.tolist(), strict=True)):
        first, end = int(made.starts[owner]), int(made.starts[owner + 1])
        best[number] = first + int(likeness[first:end, theme].argmax())
        hit = first + np.flatnonzero(made.hits[first:end, theme])
        speaking.append(hit if len(hit) else best[number : number + 1])
    return best, speaking


def polarity_columns(
    background: Floats, made: Batch, owners: Integers, speaking: Sequence[Integers]
) -> tuple[Floats, list[Ngrams]]:
    """What a theme's polarity is told by: its comment, and the clauses that speak of it."""
    starts = np.zeros(len(speaking) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, speaking), np.int64, len(speaking)), out=starts[1:])
    clauses = np.concatenate(speaking)
    columns = [
        feeling_columns(made.valences, made.starts)[owners],
        feeling_columns(made.valences[clauses], starts),
        unit(made.comment_vectors() - background)[owners],
        unit(unit(sums(made.vectors[clauses], starts)) - background),
    ]
    whole = made.ngrams(THEME_WORDS).picked(owners)
    part = ngrams(made.words.picked(clauses).joined(starts), THEME_WORDS)
    return np.concatenate(columns, axis=1).astype(np.float32) * _FEELING_SCALE, [whole, part]


def sentiment_columns(background: Floats, made: Batch) -> tuple[Floats, list[Ngrams]]:
    """What the sentiment of a comment is told by."""
    columns = [
        feeling_columns(made.valences, made.starts),
        unit(made.comment_vectors() - background),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32) * _FEELING_SCALE, [made.ngrams(FEELING_WORDS)]


def _feelings(heads: Heads, made: Batch) -> list[Feeling] | None:
    if heads.sentiment is None:
        return None
    scores = heads.sentiment.times(*sentiment_columns(heads.background, made)).astype(np.float64)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return [
        Feeling(SENTIMENTS[number], round(float(share[-1] - share[0]), 3))
        for number, share in zip(scores.argmax(axis=1).tolist(), shares, strict=True)
    ]
