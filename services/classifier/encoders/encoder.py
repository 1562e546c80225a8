"""The interface of an encoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from services.classifier.ngrams import Floats, HashedWords

_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Statements:
    """Clauses of one comment or many, as encoders want them: as text, or as hashed words."""

    texts: Sequence[str]
    words: HashedWords
    """The folded words of each text."""


class Encoder(Protocol):
    """Turns statements into vectors."""

    @property
    def identity(self) -> str:
        """Changes whenever the vectors of the same statements would."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of the languages it was made for."""

    def encode(self, statements: Statements) -> Floats:
        """One vector a statement, of length 1, or 0 where it knows none of the words."""


def unit(vectors: Floats) -> Floats:
    """The vectors with length 1; those of length 0 stay so."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _TINY), dtype=np.float32)
