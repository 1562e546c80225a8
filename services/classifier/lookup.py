"""Finds a taxonomy's keywords in comments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.classifier.keyword_lists import KeywordList, Span, evidence
from services.classifier.taxonomy import Theme, Themes
from services.classifier.words import WORD, folded_words, primary_language


@dataclass(frozen=True, slots=True)
class Claim:
    """A theme that a comment speaks of, and the words that say so, as written."""

    theme: Theme
    evidence: tuple[str, ...]


class Lookup:
    """A taxonomy made ready to search. Not for several threads at once."""

    def __init__(self, taxonomy: Themes) -> None:
        self.version = taxonomy.version
        self.themes = taxonomy.themes
        self._lists: Mapping[str, KeywordList] = {
            language: KeywordList(language, _keywords(taxonomy.themes, language))
            for language in sorted({language for theme in taxonomy.themes for language in theme.keywords})
        }

    def claims(self, comment: str, language: str | None) -> tuple[Claim, ...]:
        """The themes whose keywords occur, in the taxonomy's order.

        `language` is a BCP 47 tag; where it is unknown the keywords of every language are looked for, and a
        language without keywords has no claims.
        """
        spans = self.spans(folded_words(comment), language)
        if not spans:
            return ()
        places = [word.span() for word in WORD.finditer(comment)]
        return tuple(
            Claim(self.themes[theme], evidence(comment, places, spans[theme])) for theme in sorted(spans)
        )

    def spans(self, words: Sequence[str], language: str | None) -> dict[int, set[Span]]:
        """Where each theme's keywords stand among folded words, by the theme's number."""
        found: dict[int, set[Span]] = {}
        for keywords in self._lists_for(language):
            for theme, span in keywords.matches(words):
                found.setdefault(theme, set()).add(span)
        return found

    def _lists_for(self, language: str | None) -> Sequence[KeywordList]:
        if language is None:
            return tuple(self._lists.values())
        known = self._lists.get(primary_language(language))
        return () if known is None else (known,)


def _keywords(themes: Sequence[Theme], language: str) -> Iterator[tuple[str, int]]:
    for number, theme in enumerate(themes):
        for keyword in theme.keywords.get(language, ()):
            yield keyword, number
