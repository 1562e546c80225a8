"""A vector for each of some 200,000 words, made once; a statement is their weighted mean.

Arora et al., A Simple but Tough-to-Beat Baseline for Sentence Embeddings (2017): the weights are
a / (a + p(word)). The file is mapped into memory, so that the workers of a machine share one copy.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from services.classifier.encoders.encoder import Statements, unit
from services.classifier.ngrams import Floats, sums

FILE_FORMAT = 1
_STEPS = 127
_LONGEST_HEAD_BYTES = 4096
_BYTES_BESIDE_VECTOR = 8 + 4


class UnreadableTable(Exception):
    """The file is no table of this version, or not all of it: what is wrong with it, for people."""


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    rows: int
    dimension: int
    languages: tuple[str, ...]
    digest: str


class StaticTable:
    """Looks up a table's words. About 90,000 comments a second."""

    def __init__(self, path: Path) -> None:
        """Maps the file; raises UnreadableTable."""
        head, begin = _head(path)
        rows = head.rows
        expected = begin + rows * (_BYTES_BESIDE_VECTOR + head.dimension)
        if path.stat().st_size != expected:
            raise UnreadableTable(
                f"{path}: has {path.stat().st_size} bytes instead of {expected}; build it again"
            )
        self.identity = f"static-{head.digest[:16]}"
        self.dimension = head.dimension
        self.languages = frozenset(head.languages)
        self._hashes: NDArray[np.uint64] = np.memmap(path, np.uint64, "r", begin, (rows,))
        self._scales: Floats = np.memmap(path, np.float32, "r", begin + 8 * rows, (rows,))
        self._vectors: NDArray[np.int8] = np.memmap(
            path, np.int8, "r", begin + _BYTES_BESIDE_VECTOR * rows, (rows, head.dimension)
        )

    def encode(self, statements: Statements) -> Floats:
        """One vector a statement; words that the table lacks count for nothing."""
        words = statements.words
        rows = np.minimum(np.searchsorted(self._hashes, words.hashes), len(self._hashes) - 1)
        scales = np.where(self._hashes[rows] == words.hashes, self._scales[rows], np.float32(0))
        vectors = self._vectors[rows].astype(np.float32)
        vectors *= scales[:, None]
        return unit(sums(vectors, words.starts))


def write_table(
    path: Path, *, hashes: NDArray[np.uint64], vectors: Floats, weights: Floats, languages: Sequence[str]
) -> None:
    """Writes each word's vector in 8 bits a number, its weight in the row's scale; replaces the file."""
    _, kept = np.unique(hashes, return_index=True)
    largest = np.maximum(np.abs(vectors[kept]).max(axis=1), np.finfo(np.float32).tiny)
    quantised = np.rint(vectors[kept] / largest[:, None] * _STEPS).astype(np.int8)
    scales = (largest / _STEPS * weights[kept]).astype(np.float32)
    body = hashes[kept].tobytes() + scales.tobytes() + quantised.tobytes()
    head = _Head(
        format=FILE_FORMAT,
        rows=len(kept),
        dimension=vectors.shape[1],
        languages=tuple(languages),
        digest=hashlib.sha256(body).hexdigest(),
    )
    # Numbers begin where the processor reads them best.
    line = head.model_dump_json().encode()
    line = line.ljust(-(-(len(line) + 1) // 64) * 64 - 1) + b"\n"
    partial = path.with_suffix(".partial")
    partial.write_bytes(line + body)
    partial.replace(path)


def _head(path: Path) -> tuple[_Head, int]:
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_HEAD_BYTES)
        if json.loads(line)["format"] != FILE_FORMAT:
            raise UnreadableTable(f"{path}: was made for another version of this program; build it again")
        return _Head.model_validate_json(line), len(line)
    except OSError as error:
        raise UnreadableTable(f"{path}: cannot be read: {error.strerror}") from None
    except (ValidationError, ValueError, KeyError, TypeError):
        raise UnreadableTable(f"{path}: is no table of words; `feedback models build` makes one") from None
