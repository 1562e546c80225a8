"""Finds a taxonomy's keywords in comments."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick

from services.classifier.taxonomy import Theme, Themes
from services.classifier.words import WORD, Stems, folded_words, primary_language

Span = tuple[int, int]
"""First and last word of a match, counted from 0."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A theme that a comment speaks of, and the words that say so, as written."""

    theme: Theme
    evidence: tuple[str, ...]


class _Lists:
    """The keywords of one language. Each stands between spaces, so that only whole words match."""

    def __init__(self, language: str, keywords: Iterable[tuple[str, int]]) -> None:
        self._stems = Stems(language)
        themes: dict[tuple[str, ...], set[int]] = {}
        for keyword, theme in keywords:
            themes.setdefault(tuple(self._stems.of(folded_words(keyword))), set()).add(theme)
        self._themes = [tuple(sorted(claimed)) for claimed in themes.values()]
        self._lengths = [len(stems) for stems in themes]
        self._first_stems = {stems[0] for stems in themes}
        self._automaton = AhoCorasick([_line(stems) for stems in themes])

    def matches(self, words: list[str]) -> Iterator[tuple[int, Span]]:
        stems = self._stems.of(words)
        if self._first_stems.isdisjoint(stems):
            return
        line = _line(stems)
        for pattern, start, _ in self._automaton.find_matches_as_indexes(line, overlapping=True):
            first = line.count(" ", 0, start)
            span = (first, first + self._lengths[pattern] - 1)
            for theme in self._themes[pattern]:
                yield theme, span


class Lookup:
    """A taxonomy made ready to search. Not for several threads at once."""

    def __init__(self, taxonomy: Themes) -> None:
        self.version = taxonomy.version
        self._themes = taxonomy.themes
        self._lists: Mapping[str, _Lists] = {
            language: _Lists(language, _keywords(taxonomy.themes, language))
            for language in sorted({language for theme in taxonomy.themes for language in theme.keywords})
        }

    def claims(self, comment: str, language: str | None) -> tuple[Claim, ...]:
        """The themes whose keywords occur, in the taxonomy's order.

        `language` is a BCP 47 tag; where it is unknown the keywords of every language are looked for, and a
        language without keywords has no claims.
        """
        words = folded_words(comment)
        spans: dict[int, set[Span]] = {}
        for lists in self._lists_for(language):
            for theme, span in lists.matches(words):
                spans.setdefault(theme, set()).add(span)
        if not spans:
            return ()
        places = [word.span() for word in WORD.finditer(comment)]
        return tuple(
            Claim(self._themes[theme], _evidence(comment, places, spans[theme])) for theme in sorted(spans)
        )

    def _lists_for(self, language: str | None) -> Sequence[_Lists]:
        if language is None:
            return tuple(self._lists.values())
        known = self._lists.get(primary_language(language))
        return () if known is None else (known,)


def _line(stems: Iterable[str]) -> str:
    return f" {' '.join(stems)} "


def _keywords(themes: Sequence[Theme], language: str) -> Iterator[tuple[str, int]]:
    for number, theme in enumerate(themes):
        for keyword in theme.keywords.get(language, ()):
            yield keyword, number


def _evidence(comment: str, places: Sequence[Span], spans: set[Span]) -> tuple[str, ...]:
    """The matched words as written, each once; of a phrase and a part of it, the phrase."""
    written: dict[str, None] = {}
    end = -1
    for first, last in sorted(spans, key=_widest_first):
        if last > end:
            written[comment[places[first][0] : places[last][1]]] = None
            end = last
    return tuple(written)


def _widest_first(span: Span) -> Span:
    return span[0], -span[1]
