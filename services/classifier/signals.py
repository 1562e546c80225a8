"""Signs in a comment that somebody should act at once, or that the customer means to leave."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from schemas.classified import Urgency
from services.classifier.keyword_lists import KeywordList, Span, evidence
from services.classifier.words import WORD, primary_language

_PHRASES = Path(__file__).with_name("signals.yaml")
_URGENT, _LEAVING = range(2)
_DENIALS = frozenset(
    [
        "not",
        "no",
        "never",
        "without",
        "t",
        "nicht",
        "kein",
        "keine",
        "nie",
        "pas",
        "jamais",
        "nunca",
        "nao",
        "non",
        "niet",
    ]
)
"""Folded; the t is that of "don't"."""
_DENIED_WITHIN_WORDS = 3


class Signals:
    """Looks for phrases in the languages it has some for. Not for several threads at once."""

    def __init__(self) -> None:
        phrases = yaml.safe_load(_PHRASES.read_text(encoding="utf-8"))
        self._lists = {
            language: KeywordList(
                language,
                [(phrase, _URGENT) for phrase in urgent]
                + [(phrase, _LEAVING) for phrase in phrases["leaving"][language]],
            )
            for language, urgent in phrases["urgent"].items()
        }

    def of(self, comment: str, words: Sequence[str], language: str | None) -> Urgency | None:
        """Urgent where a phrase says so or the customer means to leave; None for a language without phrases.

        `words` are the comment's folded words. A phrase with a denial just before it ("not urgent") does not
        count. Where the language is not known, no phrase of any is looked for.
        """
        keywords = None if language is None else self._lists.get(primary_language(language))
        if keywords is None:
            return None
        found = [(label, span) for label, span in keywords.matches(words) if not _is_denied(words, span)]
        if not found:
            return Urgency(level="normal")
        places = [word.span() for word in WORD.finditer(comment)]
        return Urgency(
            level="high",
            churn_intent=any(label == _LEAVING for label, _ in found),
            evidence=evidence(comment, places, {span for _, span in found}),
        )


def _is_denied(words: Sequence[str], span: Span) -> bool:
    first, _ = span
    return not _DENIALS.isdisjoint(words[max(0, first - _DENIED_WITHIN_WORDS) : first])
