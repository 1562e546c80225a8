"""Comments as words, told alike however they are written: case, accents and endings do not count."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import Stemmer

SNOWBALL = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "it": "italian",
    "nb": "norwegian",
    "nl": "dutch",
    "pt": "portuguese",
    "sv": "swedish",
}
"""Languages that can be stemmed: ISO 639-1 code to the Snowball algorithm's name."""

WORD = re.compile(r"\w+")
_REMEMBERED_WORDS = 100_000
_REMEMBERED_LENGTH = 40


def folded_words(text: str) -> list[str]:
    """The words of a text without case and accents, as many and in the order that WORD finds them."""
    if text.isascii():
        return WORD.findall(text.lower())
    return [_fold(word) for word in WORD.findall(text)]


def primary_language(tag: str) -> str:
    """The language of a BCP 47 tag: `en` of `en-GB`."""
    return re.split(r"[-_]", tag, maxsplit=1)[0].lower()


class Stems(dict[str, str]):
    """The stems of one language's words, each worked out once. Not for several threads at once.

    Stemmed are folded words, in keywords and comments alike: that costs Snowball's rules for accented endings
    and gains the many comments typed without accents.
    """

    def __init__(self, language: str) -> None:
        super().__init__()
        # Its own cache is slower than a dictionary.
        self._stemmer = Stemmer.Stemmer(SNOWBALL[language], maxCacheSize=0)

    def __missing__(self, word: str) -> str:
        stem: str = self._stemmer.stemWord(word)
        if len(self) < _REMEMBERED_WORDS and len(word) <= _REMEMBERED_LENGTH:
            self[word] = stem
        return stem

    def of(self, words: Iterable[str]) -> list[str]:
        """The stems of a text's words."""
        return list(map(self.__getitem__, words))


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _fold(word: str) -> str:
    spread = unicodedata.normalize("NFKD", word.casefold())
    return "".join(mark for mark in spread if not unicodedata.combining(mark) and not mark.isspace())
