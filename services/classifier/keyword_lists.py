"""Finds words and phrases in texts, whatever the form of their words."""

from collections.abc import Iterable, Iterator, Sequence

from ahocorasick_rs import AhoCorasick

from services.classifier.words import Stems, folded_words

Span = tuple[int, int]
"""First and last word of a match, counted from 0."""


class KeywordList:
    """The keywords of one language, each of one label or more. Not for several threads at once.

    Each stands between spaces, so that only whole words match.
    """

    def __init__(self, language: str, keywords: Iterable[tuple[str, int]]) -> None:
        self._stems = Stems(language)
        labels: dict[tuple[str, ...], set[int]] = {}
        for keyword, label in keywords:
            labels.setdefault(tuple(self._stems.of(folded_words(keyword))), set()).add(label)
        self._labels = [tuple(sorted(claimed)) for claimed in labels.values()]
        self._lengths = [len(stems) for stems in labels]
        self._first_stems = {stems[0] for stems in labels}
        self._automaton = AhoCorasick([_line(stems) for stems in labels])

    def matches(self, words: Sequence[str]) -> Iterator[tuple[int, Span]]:
        """Each keyword's label and place in a text that is given as its folded words."""
        stems = self._stems.of(words)
        if self._first_stems.isdisjoint(stems):
            return
        line = _line(stems)
        for pattern, start, _ in self._automaton.find_matches_as_indexes(line, overlapping=True):
            first = line.count(" ", 0, start)
            span = (first, first + self._lengths[pattern] - 1)
            for label in self._labels[pattern]:
                yield label, span


def evidence(text: str, places: Sequence[Span], spans: Iterable[Span]) -> tuple[str, ...]:
    """The matched words as written, each once; of a phrase and a part of it, the phrase.

    `places` are the characters where each word of the text begins and ends.
    """
    written: dict[str, None] = {}
    end = -1
    for first, last in sorted(spans, key=_widest_first):
        if last > end:
            written[text[places[first][0] : places[last][1]]] = None
            end = last
    return tuple(written)


def _line(stems: Iterable[str]) -> str:
    return f" {' '.join(stems)} "


def _widest_first(span: Span) -> Span:
    return span[0], -span[1]
