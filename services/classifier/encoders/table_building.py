"""Makes the static table: the words that people use most, encoded once one by one."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import wordfreq

from services.classifier.encoders.encoder import Encoder, Statements
from services.classifier.encoders.static_table import write_table
from services.classifier.ngrams import Floats, WordHashes
from services.classifier.words import folded_words

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt")
WORDS_A_LANGUAGE = 40_000
DIMENSION = 256
_COMMON = 1e-3
"""The a of a / (a + p): words more frequent than this count for less and less."""
_BATCH = 2_000


def build_table(
    path: Path,
    encoder: Encoder,
    *,
    languages: Sequence[str] = LANGUAGES,
    words_a_language: int = WORDS_A_LANGUAGE,
    told: Callable[[int, int], None],
) -> None:
    """Encodes each language's most frequent words and writes the table; `told` gets (done, of how many)."""
    frequencies = _frequencies(languages, words_a_language)
    words = list(frequencies)
    hashed = WordHashes().of([[word] for word in words])
    parts = []
    for first in range(0, len(words), _BATCH):
        texts = words[first : first + _BATCH]
        parts.append(encoder.encode(Statements(texts, WordHashes().of([[text] for text in texts]))))
        told(first + len(texts), len(words))
    probabilities = np.fromiter(frequencies.values(), np.float32, len(words))
    write_table(
        path,
        hashes=hashed.hashes,
        vectors=_principal(np.concatenate(parts), min(DIMENSION, encoder.dimension)),
        weights=(_COMMON / (_COMMON + probabilities)).astype(np.float32),
        languages=languages,
    )


def _frequencies(languages: Sequence[str], count: int) -> dict[str, float]:
    """Each folded word with its greatest frequency in any of the languages, 0 to 1."""
    found: dict[str, float] = {}
    for word, frequency in _words(languages, count):
        found[word] = max(frequency, found.get(word, 0.0))
    return found


def _words(languages: Sequence[str], count: int) -> Iterator[tuple[str, float]]:
    for language in languages:
        for written in wordfreq.top_n_list(language, count):
            frequency = wordfreq.word_frequency(written, language)
            for word in folded_words(written):
                yield word, frequency


def _principal(vectors: Floats, dimension: int) -> Floats:
    """The vectors in the axes that hold most of them, so that products between them hardly change."""
    _, axes = np.linalg.eigh(vectors.T.astype(np.float64) @ vectors)
    projected: Floats = (vectors @ axes[:, ::-1][:, :dimension]).astype(np.float32)
    return projected
