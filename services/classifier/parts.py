"""Comments taken apart: into clauses, words, places of keywords."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from services.classifier.clauses import clauses
from services.classifier.keyword_lists import Span
from services.classifier.lexicon import LANGUAGE as LEXICON_LANGUAGE
from services.classifier.lexicon import Lexicon
from services.classifier.lookup import Lookup
from services.classifier.words import WORD, folded_words, primary_language


@dataclass(frozen=True)
class Parts:
    """One comment taken apart."""

    text: str
    language: str | None
    """ISO 639-1 code; None where it is not known."""
    clauses: Sequence[str]
    """At least one."""
    words: Sequence[Sequence[str]]
    """Folded words of each clause."""
    spans: Mapping[int, set[Span]]
    """Where keywords stand among the words of all clauses, by the theme's number."""
    valences: Sequence[float]
    """Of each clause, -1 to 1; empty where the lexicon does not know the language."""

    @cached_property
    def all_words(self) -> list[str]:
        """Those of all clauses, in their order."""
        return [word for of_clause in self.words for word in of_clause]

    @cached_property
    def places(self) -> list[Span]:
        """The characters where each word begins and ends."""
        return [word.span() for word in WORD.finditer(self.text)]

    def clauses_with(self, theme: int) -> list[int]:
        """The clauses in which keywords of the theme begin."""
        ends = list(accumulate(map(len, self.words)))
        return sorted({bisect_right(ends, first) for first, _ in self.spans.get(theme, ())})


def take_apart(text: str, language: str | None, taxonomy: Lookup, lexicon: Lexicon) -> Parts:
    """The parts of a text; `language` is a BCP 47 tag, or None where keywords of all are to be looked for."""
    primary = None if language is None else primary_language(language)
    parts = clauses(text) or [text]
    words = [folded_words(part) for part in parts]
    return Parts(
        text=text,
        language=primary,
        clauses=parts,
        words=words,
        spans=taxonomy.spans([word for of_clause in words for word in of_clause], primary),
        valences=[lexicon.valence(part) for part in parts] if primary == LEXICON_LANGUAGE else (),
    )
