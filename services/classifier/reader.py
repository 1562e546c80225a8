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

    @property
    def version(self) -> int:
        """Of the classification: taxonomy, model and code; higher is newer."""

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

    @property
    def themes(self) -> frozenset[int]:
        """Numbers of the themes it can judge; the others are left to their keywords."""

    def judge(self, comments: Sequence[Parts]) -> Sequence[Judgement]:
        """One judgement a comment, in the same order."""


class ListReader:
    """Looks for keywords and for nothing else."""

    def __init__(self, taxonomy: Lookup) -> None:
        self.taxonomy = taxonomy
        self.version = taxonomy.version

    def read(self, comments: Sequence[Comment]) -> list[Reading]:
        """The themes whose keywords occur in the language that the source stated, or in any."""
        return [listed(comment.text, comment.language, self.taxonomy) for comment in comments]


class Reader:
    """Everything that comments are understood with. Not for several threads at once."""

    def __init__(
        self,
        taxonomy: Lookup,
        *,
        languages: LanguageDetector,
        roster: Roster,
        model: Learned | None = None,
        version: int | None = None,
    ) -> None:
        """`version` is that of the themes unless it is given."""
        self.taxonomy = taxonomy
        self.version = taxonomy.version if version is None else version
        self._languages = languages
        self._roster = roster
        self._model = model
        self._signals = Signals()
        self._lexicon = Lexicon()

    @property
    def model_version(self) -> str | None:
        """Digest of the model; None without one."""
        return self._model.version if self._model else None

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
        themes = self._tags(parts, judgement)
        functions = (self.taxonomy.themes[number].function.value for number in sorted(themes))
        language = comment.language or parts.language
        return Reading(
            themes=tuple(themes[number] for number in sorted(themes)),
            functions=tuple(dict.fromkeys(functions)),
            language=language,
            language_detected=comment.language is None and language is not None,
            feeling=felt,
            urgency=self._signals.of(parts.text, words, parts.language),
            mentions=self._roster.mentions(parts.text, words),
            masked=mask(comment.text or "", names=comment.names),
            not_known=self._not_known(parts, judgement, felt),
            model_version=self.model_version if judgement else None,
        )

    def _tags(self, parts: Parts, judgement: Judgement | None) -> dict[int, ThemeTag]:
        """By the theme's number: what the model claims, and by keywords what it has not learned to judge."""
        judged = self._model.themes if self._model and judgement else frozenset[int]()
        tags = {
            number: self._tag(parts, number, TagSource.LOOKUP, None, self._polarity(parts, number))
            for number in parts.spans.keys() - judged
        }
        for one in judgement.themes if judgement else ():
            source = TagSource.BOTH if one.theme in parts.spans else TagSource.MODEL
            said = self._polarity(parts, one.theme) if one.polarity is None else one.polarity
            tags[one.theme] = self._tag(parts, one.theme, source, one, said)
        return tags

    def _tag(
        self, parts: Parts, number: int, source: TagSource, found: Found | None, polarity: int | None
    ) -> ThemeTag:
        theme = self.taxonomy.themes[number]
        spans = parts.spans.get(number)
        if spans:
            said = evidence(parts.text, parts.places, spans)
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
