"""Learns heads from labelled comments: scikit-learn does the fitting, what is left is linear.

Few examples are helped along by three things that need no labels: how near a comment is to a theme's examples
(prototypes), what its keywords would claim on many comments (weak labels), and the keywords themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from services.classifier.encoders.encoder import unit
from services.classifier.features import THEME_WORDS, Batch
from services.classifier.linear import Linear, NgramWeights, numbered
from services.classifier.model import (
    Heads,
    clauses_of_themes,
    distances,
    polarity_columns,
    sentiment_columns,
    theme_columns,
)
from services.classifier.ngrams import Floats, Integers, Ngrams

NGRAMS_FROM_COMMENTS = 300
"""Fewer labelled comments than this teach no words: single words would be learned by heart."""
FEWEST_EXAMPLES = 3
"""A theme with fewer is left to its keywords."""
UNSURE_SHARE = 0.25
"""Of comments like those of the fit, so many are judged unsurely."""
_PARTS = 4
_SHRINKING = 8
_RARE = 2
_NEAR_ENOUGH = 0.01
_FEWEST_HITS = 5
_FEWEST_BACKGROUND = 50
_STRENGTH = 0.3
_FEW_STRENGTH = 1.0
_POLARITY_STRENGTH = 0.5
_SENTIMENT_STRENGTH = 2.0
_LARGEST_SHARE = 0.6
_SMALLEST_SHARE = 0.01
Labels = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Comments with what people said of them, row by row."""

    themes: Labels
    """Comments by themes."""
    polarities: NDArray[np.int8]
    """Comments by themes: -1, 0 or 1; counts only where the theme is."""
    sentiments: NDArray[np.int8]
    """-1, 0 or 1 by comment; 2 where nobody said."""
    groups: Integers
    """Comments of one group are not divided between fit and judgement."""
    is_random: bool
    """Drawn at random: then how often a theme occurs among them is how often it occurs."""


@dataclass(frozen=True, slots=True)
class Felt:
    """The rows of a batch of which the sentiment is known."""

    rows: Integers
    sentiments: NDArray[np.int8]
    """-1, 0 or 1."""
    weights: NDArray[np.float64]


def fit_heads(made: Batch, rows: Integers, labelled: Labelled, felt: Felt) -> Heads:
    """Heads for the comments `rows` of the batch are labelled; the others serve as background."""
    background = made.comment_vectors().mean(axis=0)
    columns = theme_columns(background, made)
    grams = made.ngrams(THEME_WORDS)
    if len(rows) < NGRAMS_FROM_COMMENTS:
        themes, thresholds, scores = _few(columns, rows, labelled)
    else:
        themes = _fit(columns[rows], [grams.picked(rows)], labelled.themes, _STRENGTH)
        scores = _held_back(columns[rows], [grams.picked(rows)], labelled.themes, labelled.groups)
        thresholds = best_thresholds(scores, labelled.themes)
    thresholds[labelled.themes.sum(axis=0) < FEWEST_EXAMPLES] = np.inf
    heads = Heads(background, themes, thresholds, None, None)
    far = distances(heads, scores)
    return replace(
        heads,
        polarity=_fit_polarity(heads, made, rows, labelled),
        sentiment=_fit_sentiment(background, made, felt),
        doubt=float(np.quantile(far, UNSURE_SHARE)) if heads.learned else 0.0,
    )


def best_thresholds(scores: Floats, labels: Labels) -> Floats:
    """For each theme the score with the best F1, drawn towards that of all themes where it is rare."""
    common = _best(scores.ravel(), labels.ravel())
    found = []
    for score, label in zip(scores.T, labels.T, strict=True):
        count = int(label.sum())
        own = _best(score, label) if count else common
        found.append((count * own + _SHRINKING * common) / (count + _SHRINKING))
    return np.array(found, np.float32)


def _few(columns: Floats, rows: Integers, labelled: Labelled) -> tuple[Linear, Floats, Floats]:
    """Per theme a balanced fit on vector, prior and keyword, told as one linear model; thresholds; scores.

    The prior is (nearness to the prototype + what the weak fit says) / 2 + 1.5 for a keyword. How often a
    theme is claimed follows how often its keywords occur, as chosen examples do not say; where there are not
    enough other comments to see that, a theme is claimed when the fit finds it likelier than not.
    """
    themes = labelled.themes.shape[1]
    width = columns.shape[1] - themes
    vectors, hits = columns[:, :width], columns[:, width:]
    dense = np.zeros((columns.shape[1], themes), np.float32)
    bias = np.zeros(themes, np.float32)
    counts = np.maximum(labelled.themes.sum(axis=0), 1)[:, None]
    prototypes = unit((labelled.themes.T.astype(np.float32) @ vectors[rows]) / counts)
    prototypes = unit(prototypes - prototypes.mean(axis=0))
    for theme in range(themes):
        near = _standard(vectors, prototypes[theme])
        weak = _weak(vectors, hits[:, theme] > 0)
        direction, offset = (near[0] + weak[0]) / 2, (near[1] + weak[1]) / 2
        prior = vectors @ direction + offset + 1.5 * hits[:, theme]
        own = np.column_stack([vectors, prior * 2, hits[:, theme] * 2])
        weights, constant = _binary(own[rows], labelled.themes[:, theme], _STRENGTH)
        of_prior = weights[width] * 2 + _FEW_STRENGTH
        dense[:width, theme] = weights[:width] + of_prior * direction
        dense[width + theme, theme] = 1.5 * of_prior + 2 * weights[width + 1]
        bias[theme] = constant + of_prior * offset
    model = Linear(dense, (), bias)
    scores = model.times(columns, [])
    if labelled.is_random:
        return model, best_thresholds(scores[rows], labelled.themes), scores
    if len(columns) - len(rows) < _FEWEST_BACKGROUND:
        return model, np.zeros(themes, np.float32), scores
    shares = np.clip(hits.mean(axis=0), _SMALLEST_SHARE, _LARGEST_SHARE)
    thresholds = [np.quantile(scores[:, theme], 1 - shares[theme]) for theme in range(themes)]
    return model, np.array(thresholds, np.float32), scores


def _standard(vectors: Floats, direction: Floats) -> tuple[Floats, float]:
    """The direction and offset that turn nearness into standard scores over all comments."""
    near = vectors @ direction
    spread = float(near.std()) + 1e-6
    return direction / spread, -float(near.mean()) / spread


def _weak(vectors: Floats, hit: Labels) -> tuple[Floats, float]:
    if not _FEWEST_HITS < hit.sum() < len(hit) - _FEWEST_HITS:
        return np.zeros(vectors.shape[1], np.float32), 0.0
    weights, _ = _binary(vectors, hit, _STRENGTH)
    return _standard(vectors, weights)


def _fit_polarity(heads: Heads, made: Batch, rows: Integers, labelled: Labelled) -> Linear | None:
    places, themes = np.nonzero(labelled.themes)
    said = labelled.polarities[places, themes]
    if len(np.unique(said)) < len((-1, 1)):
        return None
    owners = rows[places]
    _, speaking = clauses_of_themes(heads, made, owners, themes)
    columns, grams = polarity_columns(heads.background, made, owners, speaking)
    return _fit(columns, grams, _one_hot(said), _POLARITY_STRENGTH)


def _fit_sentiment(background: Floats, made: Batch, felt: Felt) -> Linear | None:
    if len(np.unique(felt.sentiments)) < len((-1, 1)):
        return None
    columns, grams = sentiment_columns(background, made)
    return _fit(
        columns[felt.rows],
        [one.picked(felt.rows) for one in grams],
        _one_hot(felt.sentiments),
        _SENTIMENT_STRENGTH,
        felt.weights,
    )


def _one_hot(signs: NDArray[np.int8]) -> Labels:
    return np.stack([signs == -1, signs == 0, signs == 1], axis=1)


def _fit(
    columns: Floats,
    grams: Sequence[Ngrams],
    labels: Labels,
    strength: float,
    importance: NDArray[np.float64] | None = None,
) -> Linear:
    """One balanced logistic regression an output; `importance` is each row's, 1 unless it is given."""
    weights = [_ngram_weights(one) for one in grams]
    matrix = _matrix(columns, grams, weights)
    fitted = [_binary(matrix, label, strength, importance) for label in labels.T]
    dense = np.stack([one for one, _ in fitted], axis=1)
    bias = np.array([constant for _, constant in fitted], np.float32)
    width = columns.shape[1]
    begin, kept = width, []
    for one in weights:
        rows = len(one.weights) - 1
        table = np.vstack([np.zeros((1, labels.shape[1]), np.float32), dense[begin : begin + rows]])
        kept.append(NgramWeights(one.rows, one.weights, table))
        begin += rows
    return Linear(dense[:width], tuple(kept), bias)


def _held_back(columns: Floats, grams: Sequence[Ngrams], labels: Labels, groups: Integers) -> Floats:
    """What each comment scores in a fit that has not seen its group."""
    scores = np.zeros(labels.shape, np.float32)
    parts = _divided(groups)
    for part in np.unique(parts):
        fitting, judging = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
        model = _fit(columns[fitting], [one.picked(fitting) for one in grams], labels[fitting], _STRENGTH)
        scores[judging] = model.times(columns[judging], [one.picked(judging) for one in grams])
    return scores


def _divided(groups: Integers) -> Integers:
    """The comments in four parts, groups kept whole and the larger ones dealt first."""
    names, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    sizes = np.zeros(_PARTS)
    part_of = np.zeros(len(names), np.int64)
    for name in np.argsort(-counts, kind="stable"):
        part_of[name] = sizes.argmin()
        sizes[part_of[name]] += counts[name]
    return part_of[inverse]


def _ngram_weights(grams: Ngrams) -> NgramWeights:
    """Inverse document frequencies of what occurs in two texts or more; there are no outputs yet."""
    texts = len(grams.starts) - 1
    owners = np.repeat(np.arange(texts), np.diff(grams.starts))
    distinct = np.unique(np.stack([owners, grams.columns]), axis=1)[1]
    columns, counts = np.unique(distinct, return_counts=True)
    kept = counts >= _RARE
    weights = np.log((1 + texts) / (1 + counts[kept])) + 1
    return NgramWeights(
        numbered(columns[kept]),
        np.concatenate([[0], weights]).astype(np.float32),
        np.zeros((0, 0), np.float32),
    )


def _matrix(columns: Floats, grams: Sequence[Ngrams], weights: Sequence[NgramWeights]) -> "sparse.csr_matrix":
    parts = [sparse.csr_matrix(columns)]
    for one, weighted in zip(grams, weights, strict=True):
        met = weighted.met(one)
        shape = (len(columns), len(weighted.weights))
        parts.append(
            sparse.csr_matrix((met.scales(weighted.weights), met.columns, met.starts), shape=shape)[:, 1:]
        )
    return sparse.hstack(parts).tocsr()


def _binary(
    matrix: "Floats | sparse.csr_matrix",
    label: Labels,
    strength: float,
    importance: NDArray[np.float64] | None = None,
) -> tuple[Floats, float]:
    """Weights and constant of a balanced fit; nothing speaks for what was never or always seen."""
    if not label.any() or label.all():
        return np.zeros(matrix.shape[1], np.float32), 0.0 if label.any() else -10.0
    fit = LogisticRegression(
        C=strength, class_weight="balanced", solver="liblinear", dual=True, tol=_NEAR_ENOUGH, random_state=0
    )
    fit.fit(matrix, label, sample_weight=importance)
    return fit.coef_[0].astype(np.float32), float(fit.intercept_[0])


def _best(scores: Floats, label: Labels) -> float:
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(label[order])
    f1 = 2 * found / (np.arange(1, len(order) + 1) + label.sum())
    best = int(f1.argmax())
    below = scores[order[min(best + 1, len(order) - 1)]]
    return float(scores[order[best]] + below) / 2
