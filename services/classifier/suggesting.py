"""Themes that nobody has named yet: groups among the comments that no theme claims.

Words that tell a group from the others: class-based TF-IDF (Grootendorst 2022).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from services.classifier.encoders.encoder import unit
from services.classifier.ngrams import Floats

FEWEST_COMMENTS = 30
"""Among fewer there is no pattern to be seen."""
_COMMENTS_A_GROUP = 25
_MOST_GROUPS = 20
_SMALLEST_GROUP = 5
_AXES = 24
_LABEL_WORDS = 4
_QUOTES = 3
_COMMON = 0.5


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A theme that there might be."""

    words: tuple[str, ...]
    """That tell its comments from the others."""
    comments: int
    quotes: tuple[int, ...]
    """Places of the comments that are most like the rest of it."""


def suggest(words: Sequence[Sequence[str]], vectors: Floats | None) -> list[Suggestion]:
    """Groups of comments, the largest first: of their folded words, and of their vectors where there are any.

    The same comments are always grouped alike. Raises ValueError for fewer than 30.
    """
    if len(words) < FEWEST_COMMENTS:
        raise ValueError(
            f"{len(words)} comments that no theme claims are too few to see a pattern in; "
            f"{FEWEST_COMMENTS} are the fewest"
        )
    places = unit(_reduced(_of_words(words) if vectors is None else vectors - vectors.mean(axis=0)))
    groups = min(_MOST_GROUPS, max(2, len(words) // _COMMENTS_A_GROUP))
    clusters = MiniBatchKMeans(groups, random_state=0, n_init=5, batch_size=1024).fit(places)
    near = (places * clusters.cluster_centers_[clusters.labels_]).sum(axis=1)
    labels = _labels(words, clusters.labels_, groups)
    found = []
    for group in range(groups):
        members = np.flatnonzero(clusters.labels_ == group)
        if len(members) < _SMALLEST_GROUP or not labels[group]:
            continue
        nearest = members[np.argsort(-near[members], kind="stable")[:_QUOTES]]
        found.append(Suggestion(labels[group], len(members), tuple(nearest.tolist())))
    return sorted(found, key=lambda one: -one.comments)


def _of_words(words: Sequence[Sequence[str]]) -> Floats:
    grams = TfidfVectorizer(analyzer=list, min_df=2, max_df=_COMMON).fit_transform(words)
    axes = min(_AXES, grams.shape[1] - 1)
    return np.asarray(TruncatedSVD(axes, random_state=0).fit_transform(grams), np.float32)


def _reduced(vectors: Floats) -> Floats:
    if vectors.shape[1] <= _AXES:
        return vectors
    return np.asarray(TruncatedSVD(_AXES, random_state=0).fit_transform(vectors), np.float32)


def _labels(words: Sequence[Sequence[str]], groups: NDArray[np.int32], count: int) -> list[tuple[str, ...]]:
    """For each group the words that are frequent in it and rare in the others."""
    inside = [Counter[str]() for _ in range(count)]
    for of_comment, group in zip(words, groups.tolist(), strict=True):
        inside[group].update(set(of_comment))
    everywhere = sum(inside, Counter[str]())
    common = _COMMON * len(words)
    typical = sum(everywhere.values()) / count
    found = []
    for counted in inside:
        weights = {
            word: times * np.log(1 + typical / everywhere[word])
            for word, times in counted.items()
            if times > 1 and everywhere[word] <= common and not word.isdigit() and len(word) > 2  # noqa: PLR2004 - a word
        }
        found.append(tuple(sorted(weights, key=lambda word: (-weights[word], word))[:_LABEL_WORDS]))
    return found
