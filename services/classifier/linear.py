"""Linear models over vectors and n-grams: what is left of a fit when it is time to judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.classifier.ngrams import WIDTH, Floats, Integers, Ngrams

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class NgramWeights:
    """What each n-gram that was met in the fit says; all others say nothing."""

    rows: NDArray[np.int32]
    """Row of each hashed column; 0 for what was not met."""
    weights: Floats
    """Inverse document frequency by row; 0 in row 0."""
    table: Floats
    """Rows by outputs."""

    def times(self, ngrams: Ngrams) -> Floats:
        """Texts by outputs."""
        return self.met(ngrams).times(self.weights, self.table)

    def met(self, ngrams: Ngrams) -> Ngrams:
        """The n-grams by row instead of by hash."""
        columns: Integers = self.rows[ngrams.columns].astype(np.int64)
        return Ngrams(columns, ngrams.starts)


@dataclass(frozen=True, slots=True)
class Linear:
    """One output or more, each a weighted sum."""

    dense: Floats
    """Columns of the vectors by outputs."""
    grams: tuple[NgramWeights, ...]
    bias: Floats
    """By output."""

    def times(self, vectors: Floats, grams: Sequence[Ngrams]) -> Floats:
        """Texts by outputs, of as many n-grams of each text as the fit had."""
        scores = vectors @ self.dense + self.bias
        for weights, of_text in zip(self.grams, grams, strict=True):
            scores += weights.times(of_text)
        return np.asarray(scores, dtype=np.float32)

    def arrays(self, name: str) -> dict[str, NDArray[np.generic]]:
        """All numbers under names that begin with `name`, for a file."""
        found: dict[str, NDArray[np.generic]] = {f"{name}.dense": self.dense, f"{name}.bias": self.bias}
        for number, grams in enumerate(self.grams):
            found[f"{name}.{number}.columns"] = np.flatnonzero(grams.rows).astype(np.int32)
            found[f"{name}.{number}.weights"] = grams.weights
            found[f"{name}.{number}.table"] = grams.table
        return found

    @classmethod
    def of_arrays(cls, name: str, arrays: Arrays) -> "Linear":
        """What `arrays` wrote; raises KeyError where some of it is missing."""
        grams: list[NgramWeights] = []
        while f"{name}.{len(grams)}.columns" in arrays:
            part = f"{name}.{len(grams)}"
            columns = np.asarray(arrays[f"{part}.columns"])
            grams.append(
                NgramWeights(
                    rows=numbered(columns),
                    weights=np.asarray(arrays[f"{part}.weights"], np.float32),
                    table=np.asarray(arrays[f"{part}.table"], np.float32),
                )
            )
        dense, bias = arrays[f"{name}.dense"], arrays[f"{name}.bias"]
        return cls(np.asarray(dense, np.float32), tuple(grams), np.asarray(bias, np.float32))


def numbered(columns: NDArray[np.generic]) -> NDArray[np.int32]:
    """For each hashed column its place among `columns`, from 1; 0 for all others."""
    rows = np.zeros(WIDTH, np.int32)
    rows[columns.astype(np.int64)] = np.arange(1, len(columns) + 1)
    return rows
