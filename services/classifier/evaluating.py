"""How well a model would do: each labelled comment is judged by a fit that has not seen it.

Intervals are percentiles of the bootstrap over comments (Efron 1979), 95 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from services.classifier.examples import LabelledComment
from services.classifier.learning import Learner
from services.classifier.model import theme_scores

PARTS = 5
FEWEST_COMMENTS = 20
"""Fewer labelled comments that speak of a theme say nothing about how well it is found."""
WIDEST_INTERVAL = 0.3
"""An F1 that may lie anywhere in a wider interval is not known."""
GOOD_F1 = 0.6
_DRAWS = 1_000
_PERCENTILES = (2.5, 97.5)
Table = NDArray[np.bool_]


class Verdict(StrEnum):
    """What the figures allow to say."""

    TOO_LITTLE = "too little to know"
    GOOD = "good"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Share:
    """A figure from 0 to 1 and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one theme, or of all claims together."""

    comments: int
    """Labelled comments that speak of it."""
    precision: Share
    recall: Share
    f1: Share
    keywords_f1: float
    """F1 of the keywords alone, on the same comments."""

    @property
    def verdict(self) -> Verdict:
        """Good only where even the lower end of the interval is, and never on too few comments."""
        if self.comments < FEWEST_COMMENTS or self.f1.high - self.f1.low > WIDEST_INTERVAL:
            return Verdict.TOO_LITTLE
        return Verdict.GOOD if self.f1.low >= GOOD_F1 else Verdict.WEAK


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The whole of it."""

    comments: int
    themes: dict[str, Figures]
    overall: Figures

    @property
    def verdict(self) -> Verdict:
        """Too little to know where that holds of a theme: nobody could tell how often it goes wrong there."""
        if any(figures.verdict is Verdict.TOO_LITTLE for figures in self.themes.values()):
            return Verdict.TOO_LITTLE
        return self.overall.verdict


def evaluate(learner: Learner, examples: Sequence[LabelledComment], themes: Sequence[str]) -> Evaluation:
    """Figures by theme; raises ValueError where there are fewer comments than parts to hold back."""
    if len(examples) < PARTS:
        raise ValueError(
            f"{len(examples)} labelled comments are too few to hold any back; label {PARTS} at least"
        )
    truth = learner.labelled(examples, is_random=True).themes
    claimed, keywords = np.zeros_like(truth), np.zeros_like(truth)
    parts = np.random.default_rng(0).permutation(len(examples)) % PARTS
    for part in range(PARTS):
        judging = np.flatnonzero(parts == part)
        _, heads = learner.fit([examples[place] for place in np.flatnonzero(parts != part).tolist()])
        made = learner.batch([(examples[place].text, examples[place].language) for place in judging.tolist()])
        keywords[judging] = made.comment_hits() > 0
        claimed[judging] = np.where(
            np.isfinite(heads.thresholds), theme_scores(heads, made) > heads.thresholds, keywords[judging]
        )
    draws = np.random.default_rng(0).integers(0, len(examples), (_DRAWS, len(examples)))
    return Evaluation(
        comments=len(examples),
        themes={
            theme: _figures(truth[:, [number]], claimed[:, [number]], keywords[:, [number]], draws)
            for number, theme in enumerate(themes)
        },
        overall=_figures(truth, claimed, keywords, draws),
    )


def _figures(truth: Table, claimed: Table, keywords: Table, draws: NDArray[np.int64]) -> Figures:
    counts = np.stack([(truth & claimed).sum(axis=1), claimed.sum(axis=1), truth.sum(axis=1)], axis=1)
    both, said, true = counts.sum(axis=0)
    drawn = counts[draws].sum(axis=1)
    return Figures(
        comments=int(truth.any(axis=1).sum()),
        precision=_share(both, said, drawn[:, 0], drawn[:, 1]),
        recall=_share(both, true, drawn[:, 0], drawn[:, 2]),
        f1=_share(2 * both, said + true, 2 * drawn[:, 0], drawn[:, 1] + drawn[:, 2]),
        keywords_f1=float(2 * (truth & keywords).sum() / max(1, truth.sum() + keywords.sum())),
    )


def _share(part: int, whole: int, parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> Share:
    """Nothing of nothing is 0, and may as well be 1."""
    if not whole:
        return Share(0.0, 0.0, 1.0)
    low, high = np.percentile(parts / np.maximum(wholes, 1), _PERCENTILES)
    return Share(float(part / whole), float(low), float(high))
