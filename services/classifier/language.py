"""Which language a comment is in, of those a company has customers in."""

from collections.abc import Sequence

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from services.classifier.words import WORD

LANGUAGES = ("de", "en", "es", "fr", "it", "ja", "nl", "pt", "zh")
"""What is told apart unless the settings name others: fewer are told apart better."""
_READ_CHARACTERS = 300
"""Enough to be sure, and long comments cost no more."""
_SURE_ALONE = 0.9
_SURE = 0.4


class LanguageDetector:
    """Tells a few languages apart (langid.py's naive Bayes over byte n-grams: Lui and Baldwin 2012)."""

    def __init__(self, languages: Sequence[str] = LANGUAGES) -> None:
        """`languages` are ISO 639-1 codes; raises ValueError for one that the model does not have."""
        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._identifier.set_languages(list(languages))

    def language_of(self, comment: str) -> str | None:
        """The ISO 639-1 code, or None where the words do not tell."""
        read = comment[:_READ_CHARACTERS]
        words = WORD.findall(read)
        if not any(word.isalpha() for word in words):
            return None
        language, probability = self._identifier.classify(read)
        alone = len(words) == 1 and read.isascii()
        return str(language) if probability >= (_SURE_ALONE if alone else _SURE) else None
