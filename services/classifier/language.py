"""Which language a comment is in, of those a company has customers in."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from services.classifier.words import folded_words

LANGUAGES = ("de", "en", "es", "fr", "it", "ja", "nl", "pt", "zh")
"""What is told apart unless the settings name others: fewer are told apart better."""
_READ_CHARACTERS = 300
"""Enough to be sure, and long comments cost no more."""
FUNCTION_WORDS = Path(__file__).with_name("function_words.yaml")
_FEWEST_FUNCTION_WORDS = 3
_OTHER_SCRIPTS = ("ar", "el", "he", "hi", "ja", "ko", "ru", "th", "uk", "zh")
_SURE_ALONE = 0.9
_SURE = 0.4


class LanguageDetector:
    """Tells a few languages apart (langid.py's naive Bayes over byte n-grams: Lui and Baldwin 2012).

    It is not asked about comments with three function words of one language and none of another.
    """

    def __init__(self, languages: Sequence[str] = LANGUAGES) -> None:
        """`languages` are ISO 639-1 codes; raises ValueError for one that the model does not have."""
        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._identifier.set_languages(list(languages))
        by_language = yaml.safe_load(FUNCTION_WORDS.read_text(encoding="utf-8"))
        # A language of the same script without a list would be taken for its neighbour.
        is_complete = {*by_language, *_OTHER_SCRIPTS}.issuperset(languages)
        self._function_words: dict[str, str] = {
            word: language
            for language, words in by_language.items()
            if is_complete and language in languages
            for word in words
        }

    def language_of(self, comment: str) -> str | None:
        """The ISO 639-1 code, or None where the words do not tell."""
        read = comment[:_READ_CHARACTERS]
        words = folded_words(read)
        stated = [language for word in set(words) if (language := self._function_words.get(word))]
        if len(stated) >= _FEWEST_FUNCTION_WORDS and len(set(stated)) == 1:
            return stated[0]
        if not any(word.isalpha() for word in words):
            return None
        language, probability = self._identifier.classify(read)
        alone = len(words) == 1 and read.isascii()
        return str(language) if probability >= (_SURE_ALONE if alone else _SURE) else None
