"""Comments as numbers, a whole batch at once: what models are fitted on and judge by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.classifier.encoders.encoder import Encoder, Statements, unit
from services.classifier.ngrams import Floats, HashedWords, Integers, Ngrams, WordHashes, ngrams, sums
from services.classifier.parts import Parts

THEME_WORDS = 2
"""Longest n-gram that themes are told by."""
FEELING_WORDS = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """Several comments as numbers. Clauses are numbered through all comments."""

    starts: Integers
    """Where each comment's clauses begin, and one more: where the last comment's end."""
    words: HashedWords
    """Of each clause."""
    vectors: Floats
    """Of each clause; no columns without an encoder."""
    hits: NDArray[np.bool_]
    """Clauses by themes: whether a keyword of the theme stands there."""
    valences: Floats
    """Of each clause; 0 where it is not known."""

    @property
    def comments(self) -> int:
        """How many there are."""
        return len(self.starts) - 1

    def comment_vectors(self) -> Floats:
        """Each comment's clauses together, the longer ones for more; length 1."""
        weights = np.sqrt(np.diff(self.words.starts) + 1).astype(np.float32)
        return unit(sums(self.vectors * weights[:, None], self.starts))

    def comment_hits(self) -> Floats:
        """Comments by themes: 1 where a keyword stands."""
        return np.minimum(sums(self.hits.astype(np.float32), self.starts), 1)

    def ngrams(self, longest: int) -> Ngrams:
        """Of each comment."""
        return ngrams(self.words.joined(self.starts), longest)


def batch(comments: Sequence[Parts], themes: int, encoder: Encoder | None, hashes: WordHashes) -> Batch:
    """The comments as numbers; `themes` says how many there are."""
    starts = np.zeros(len(comments) + 1, np.int64)
    np.cumsum([len(comment.clauses) for comment in comments], out=starts[1:])
    words = hashes.of([of_clause for comment in comments for of_clause in comment.words])
    texts = [clause for comment in comments for clause in comment.clauses]
    hits = np.zeros((len(texts), themes), np.bool_)
    valences = np.zeros(len(texts), np.float32)
    for first, comment in zip(starts.tolist(), comments, strict=False):
        for theme in comment.spans:
            hits[first + np.array(comment.clauses_with(theme)), theme] = True
        valences[first : first + len(comment.valences)] = comment.valences
    vectors = encoder.encode(Statements(texts, words)) if encoder else np.zeros((len(texts), 0), np.float32)
    return Batch(starts, words, vectors, hits, valences)


def feeling_columns(valences: Floats, starts: Integers) -> Floats:
    """What valences of clauses say of each text: their sum, the praise, the complaints, each flattened."""
    columns = np.stack([valences, np.maximum(valences, 0), np.minimum(valences, 0)], axis=1)
    return np.tanh(sums(columns, starts))
