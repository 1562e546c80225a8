"""Understands comments, many at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from schemas.classified import TagSource, ThemeTag
from services.classifier.clauses import clauses
from services.classifier.keyword_lists import Span, evidence
from services.classifier.language import LanguageDetector
from services.classifier.lexicon import LANGUAGE as LEXICON_LANGUAGE
from services.classifier.lexicon import Lexicon
from services.classifier.lookup import Lookup
from services.classifier.masking import mask
from services.classifier.mentions import Roster
from services.classifier.reading import NO_MODEL, TOO_SHORT, UNKNOWN_LANGUAGE, Reading, listed
from services.classifier.sentiment import Feeling, feeling, polarity
from services.classifier.signals import Signals
from services.classifier.words import WORD, folded_words, primary_language

READ_CHARACTERS = 20_000
"""Of a comment that is longer, the beginning is understood; all of it is masked."""


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote."""

    text: str | None
    language: str | None = None
    """BCP 47 tag that the source gave."""
    names: tuple[str, ...] = ()
    """Names of who wrote it."""


class Reads(Protocol):
    """What understands comments by a taxonomy."""

    @property
    def taxonomy(self) -> Lookup:
        """The themes it looks for."""

    def read(self, comments: Sequence[Comment]) -> Sequence[Reading]:
        """What each says, in the same order; no text makes it fail."""


class ListReader:
    """Looks for keywords and for nothing else."""

    def __init__(self, taxonomy: Lookup) -> None:
        self.taxonomy = taxonomy

    def read(self, comments: Sequence[Comment]) -> list[Reading]:
        """The themes whose keywords occur in the language that the source stated, or in any."""
        return [listed(comment.text, comment.language, self.taxonomy) for comment in comments]


@dataclass(frozen=True, slots=True)
class _Taken:
    """A comment taken apart."""

    text: str
    language: str | None
    detected: bool
    clauses: Sequence[str]
    words: Sequence[str]
    """Folded, of all clauses one after the other."""
    clause_starts: Sequence[int]
    """Which word each clause begins with."""
    spans: Mapping[int, set[Span]]
    """Where the keywords of a theme stand, by the theme's number."""


class Reader:
    """Everything that comments are understood with. Not for several threads at once."""

    def __init__(self, taxonomy: Lookup, *, languages: LanguageDetector, roster: Roster) -> None:
        self.taxonomy = taxonomy
        self._languages = languages
        self._roster = roster
        self._signals = Signals()
        self._lexicon = Lexicon()

    def read(self, comments: Sequence[Comment]) -> list[Reading]:
        """What each says, in the same order; no text makes it fail."""
        return [self._read(comment) for comment in comments]

    def _read(self, comment: Comment) -> Reading:
        if not comment.text or not comment.text.strip():
            return Reading(language=comment.language)
        taken = self._take_apart(comment.text[:READ_CHARACTERS], comment.language)
        valences = self._valences(taken)
        felt = feeling(valences) if valences else None
        themes = tuple(self._tags(taken, valences))
        functions = (self.taxonomy.themes[number].function.value for number in sorted(taken.spans))
        return Reading(
            themes=themes,
            functions=tuple(dict.fromkeys(functions)),
            language=taken.language,
            language_detected=taken.detected,
            feeling=felt,
            urgency=self._signals.of(taken.text, taken.words, taken.language),
            mentions=self._roster.mentions(taken.text, taken.words),
            masked=mask(comment.text, names=comment.names),
            not_known=_not_known(taken, felt),
        )

    def _take_apart(self, text: str, stated: str | None) -> _Taken:
        language = stated or self._languages.language_of(text)
        parts = clauses(text)
        words_of = [folded_words(part) for part in parts]
        words = [word for of_clause in words_of for word in of_clause]
        return _Taken(
            text=text,
            language=language,
            detected=stated is None and language is not None,
            clauses=parts,
            words=words,
            clause_starts=[0, *accumulate(map(len, words_of))][:-1],
            spans=self.taxonomy.spans(words, language),
        )

    def _valences(self, taken: _Taken) -> Sequence[float]:
        if taken.language is None or primary_language(taken.language) != LEXICON_LANGUAGE:
            return ()
        return [self._lexicon.valence(clause) for clause in taken.clauses]

    def _tags(self, taken: _Taken, valences: Sequence[float]) -> Iterator[ThemeTag]:
        if not taken.spans:
            return
        places = [word.span() for word in WORD.finditer(taken.text)]
        for number, spans in sorted(taken.spans.items()):
            theme = self.taxonomy.themes[number]
            yield ThemeTag(
                theme=theme.id,
                source=TagSource.LOOKUP,
                polarity=polarity(valences, _clauses_of(spans, taken.clause_starts)) if valences else None,
                evidence=evidence(taken.text, places, spans),
                parent=theme.parent,
            )


def _clauses_of(spans: set[Span], clause_starts: Sequence[int]) -> list[int]:
    """The clauses in which the first words of spans stand."""
    firsts = {first for first, _ in spans}
    ends = [*clause_starts[1:], max(firsts) + 1]
    return [
        number
        for number, (start, end) in enumerate(zip(clause_starts, ends, strict=True))
        if any(start <= first < end for first in firsts)
    ]


def _not_known(taken: _Taken, felt: Feeling | None) -> dict[str, str]:
    unknown: dict[str, str] = {}
    if taken.language is None:
        unknown["language"] = UNKNOWN_LANGUAGE if len(taken.words) > 1 else TOO_SHORT
    if felt is None:
        unknown["sentiment"] = unknown.get("language", NO_MODEL)
    return unknown
