"""Word n-grams of many texts at once, hashed: a fixed width, and no vocabulary to keep or to look up.

A whole batch is a few numpy calls; what costs time is the look-up of each word's hash.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BITS = 18
WIDTH = 1 << BITS
"""Columns of a table of weights."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_TOP = np.uint64(64 - BITS)
_REMEMBERED_WORDS = 200_000
_REMEMBERED_LENGTH = 40
_TINY = 1e-12

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HashedWords:
    """The words of several texts, one text after the other."""

    hashes: NDArray[np.uint64]
    """CRC-32 of each folded word."""
    starts: Integers
    """Where each text's words begin, and one more: where the last text's end."""

    def joined(self, first_texts: Integers) -> "HashedWords":
        """Neighbouring texts as one: `first_texts` says which each begins with, and ends with their count."""
        return HashedWords(self.hashes, self.starts[first_texts])

    def picked(self, texts: Integers) -> "HashedWords":
        """These texts alone, in this order; one may come twice."""
        places, starts = _places(self.starts, texts)
        return HashedWords(self.hashes[places], starts)


@dataclass(frozen=True, slots=True)
class Ngrams:
    """The n-grams of several texts, one text after the other."""

    columns: Integers
    """Column of each n-gram, 0 to WIDTH - 1."""
    starts: Integers
    """Where each text's n-grams begin, and one more: where the last text's end."""

    def picked(self, texts: Integers) -> "Ngrams":
        """These texts alone, in this order; one may come twice."""
        places, starts = _places(self.starts, texts)
        return Ngrams(self.columns[places], starts)

    def times(self, weights: Floats, table: Floats) -> Floats:
        """The sum of each text's rows of `table`, each times its scale; texts x columns of `table`."""
        return sums(table[self.columns] * self.scales(weights)[:, None], self.starts)

    def scales(self, weights: Floats) -> Floats:
        """Each n-gram's weight, scaled so that the squares of a text's weights add up to 1."""
        picked = weights[self.columns]
        squares = sums((picked * picked)[:, None], self.starts)[:, 0]
        lengths = np.repeat(np.sqrt(np.maximum(squares, np.float32(_TINY))), np.diff(self.starts))
        return np.asarray(picked / lengths, dtype=np.float32)


class WordHashes(dict[str, int]):
    """The hash of each word met, worked out once. Not for several threads at once."""

    def __missing__(self, word: str) -> int:
        hashed = crc32(word.encode("utf-8", "surrogatepass"))
        if len(self) < _REMEMBERED_WORDS and len(word) <= _REMEMBERED_LENGTH:
            self[word] = hashed
        return hashed

    def of(self, texts: Sequence[Sequence[str]]) -> HashedWords:
        """The words of texts that are given as folded words."""
        starts = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=starts[1:])
        flat = (self[word] for words in texts for word in words)
        return HashedWords(np.fromiter(flat, np.uint64, int(starts[-1])), starts)


def ngrams(words: HashedWords, longest: int) -> Ngrams:
    """All n-grams of one to `longest` neighbouring words."""
    text_of = np.repeat(np.arange(len(words.starts) - 1), np.diff(words.starts))
    columns, owners = [_column(words.hashes)], [text_of]
    grams = words.hashes
    for size in range(2, longest + 1):
        grams = grams[:-1] * _SPREAD + words.hashes[size - 1 :]
        owner = text_of[: len(grams)]
        inside = owner == text_of[size - 1 :]
        columns.append(_column(grams[inside]))
        owners.append(owner[inside])
    owner = np.concatenate(owners)
    starts = np.zeros(len(words.starts), np.int64)
    np.cumsum(np.bincount(owner, minlength=len(words.starts) - 1), out=starts[1:])
    return Ngrams(np.concatenate(columns)[np.argsort(owner, kind="stable")], starts)


def sums(rows: Floats, starts: Integers) -> Floats:
    """The sum of each text's rows; zeros for a text without any."""
    summed = np.zeros((len(starts) - 1, rows.shape[1]), np.float32)
    filled = np.flatnonzero(np.diff(starts))
    if len(filled):
        summed[filled] = np.add.reduceat(rows, starts[filled], axis=0)
    return summed


def _places(starts: Integers, texts: Integers) -> tuple[Integers, Integers]:
    """Where the items of these texts stand, one text after the other, and where each text's begin."""
    lengths = starts[texts + 1] - starts[texts]
    ends = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths, out=ends[1:])
    return np.arange(ends[-1]) + np.repeat(starts[texts] - ends[:-1], lengths), ends


def _column(hashes: NDArray[np.uint64]) -> Integers:
    # Fibonacci hashing (Knuth 6.4): the product's high bits depend on every bit of the hash.
    return ((hashes * _SPREAD) >> _TOP).astype(np.int64)
