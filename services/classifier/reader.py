"""Understands comments, many at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.classified import TagSource, ThemeTag
from services.classifier.keyword_lists import evidence
from services.classifier.language import LanguageDetector
from services.classifier.lexicon import Lexicon
from services.classifier.lookup import Lookup
from services.classifier.masking import mask
from services.classifier.mentions import Roster
from services.classifier.model import Found, Judgement
from services.classifier.parts import Parts, take_apart
from services.classifier.reading import NO_MODEL, TOO_SHORT, UNKNOWN_LANGUAGE, Reading, listed
from services.classifier.sentiment import Feeling, feeling, polarity
from services.classifier.signals import Signals
from services.classifier.words import WORD

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


class Learned(Protocol):
    """What was learned from examples."""

    @property
    def version(self) -> str:
        """Digest of all of it."""

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of the languages it can judge."""

    def judge(self, comments: Sequence[Parts]) -> Sequence[Judgement]:
        """One judgement a comment, in the same order."""


class ListReader:
    """Looks for keywords and for nothing else."""

    def __init__(self, taxonomy: Lookup) -> None:
        self.taxonomy = taxonomy

    def read(self, comments: Sequence[Comment]) -> list[Reading]:
        """The themes whose keywords occur in the language that the source stated, or in any."""
        return [listed(comment.text, comment.language, self.taxonomy) for comment in comments]


class Reader:
    """Everything that comments are understood with. Not for several threads at once."""

    def __init__(
        self, taxonomy: Lookup, *, languages: LanguageDetector, roster: Roster, model: Learned | None = None
    ) -> None:
        self.taxonomy = taxonomy
        self._languages = languages
        self._roster = roster
        self._model = model
        self._signals = Signals()
        self._lexicon = Lexicon()

    def read(self, comments: Sequence[Comment]) -> list[Reading]:
        """What each says, in the same order; no text makes it fail."""
        taken = [self._take_apart(comment) for comment in comments]
        judged = self._judged([parts for parts in taken if parts is not None])
        return [
            Reading(language=comment.language)
            if parts is None
            else self._reading(comment, parts, next(judged))
            for comment, parts in zip(comments, taken, strict=True)
        ]

    def _take_apart(self, comment: Comment) -> Parts | None:
        if not comment.text or not comment.text.strip():
            return None
        text = comment.text[:READ_CHARACTERS]
        language = comment.language or self._languages.language_of(text)
        return take_apart(text, language, self.taxonomy, self._lexicon)

    def _judged(self, taken: Sequence[Parts]) -> Iterator[Judgement | None]:
        """What the model makes of each; None where it cannot read the language.

        It also judges what is too short to tell its language: such comments are mostly a word of praise.
        """
        model = self._model
        if model is None:
            return iter([None] * len(taken))
        readable = [parts.language is None or parts.language in model.languages for parts in taken]
        judgements = iter(model.judge([parts for parts, can in zip(taken, readable, strict=True) if can]))
        return (next(judgements) if can else None for can in readable)

    def _reading(self, comment: Comment, parts: Parts, judgement: Judgement | None) -> Reading:
        words = parts.all_words
        felt = judgement.feeling if judgement else None
        if felt is None and parts.valences:
            felt = feeling(parts.valences)
        found = judgement.themes if judgement else ()
        themes = self._judged_tags(parts, found) if judgement else self._listed_tags(parts)
        numbers = [one.theme for one in found] if judgement else sorted(parts.spans)
        functions = (self.taxonomy.themes[number].function.value for number in numbers)
        language = comment.language or parts.language
        return Reading(
            themes=tuple(themes),
            functions=tuple(dict.fromkeys(functions)),
            language=language,
            language_detected=comment.language is None and language is not None,
            feeling=felt,
            urgency=self._signals.of(parts.text, words, parts.language),
            mentions=self._roster.mentions(parts.text, words),
            masked=mask(comment.text or "", names=comment.names),
            not_known=self._not_known(parts, judgement, felt),
            model_version=self._model.version if self._model and judgement else None,
        )

    def _listed_tags(self, parts: Parts) -> Iterator[ThemeTag]:
        for number in sorted(parts.spans):
            yield self._tag(parts, number, TagSource.LOOKUP, None, self._polarity(parts, number))

    def _judged_tags(self, parts: Parts, found: Sequence[Found]) -> Iterator[ThemeTag]:
        for one in found:
            source = TagSource.BOTH if one.theme in parts.spans else TagSource.MODEL
            said = self._polarity(parts, one.theme) if one.polarity is None else one.polarity
            yield self._tag(parts, one.theme, source, one, said)

    def _tag(
        self, parts: Parts, number: int, source: TagSource, found: Found | None, polarity: int | None
    ) -> ThemeTag:
        theme = self.taxonomy.themes[number]
        spans = parts.spans.get(number)
        if spans:
            places = [word.span() for word in WORD.finditer(parts.text)]
            said = evidence(parts.text, places, spans)
        else:
            said = (parts.clauses[found.clause],) if found else ()
        return ThemeTag(
            theme=theme.id,
            source=source,
            score=found.score if found else None,
            polarity=polarity,
            evidence=said,
            parent=theme.parent,
        )

    def _polarity(self, parts: Parts, number: int) -> int | None:
        clauses = parts.clauses_with(number)
        return polarity(parts.valences, clauses) if parts.valences and clauses else None

    def _not_known(self, parts: Parts, judgement: Judgement | None, felt: Feeling | None) -> dict[str, str]:
        unknown: dict[str, str] = {}
        if parts.language is None:
            unknown["language"] = UNKNOWN_LANGUAGE if len(parts.all_words) > 1 else TOO_SHORT
        missing = unknown.get("language", UNKNOWN_LANGUAGE if self._model else NO_MODEL)
        if self._model and judgement is None:
            unknown["themes"] = missing
        if felt is None:
            unknown["sentiment"] = missing
        return unknown
