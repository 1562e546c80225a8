"""What was understood of a comment, and why, for whoever asks about one."""

from collections.abc import Iterator
from typing import Any

from schemas.classified import TagSource, ThemeTag
from services.classifier.reading import NO_MODEL, TOO_SHORT, UNKNOWN_LANGUAGE, UNSURE, Reading

_REASONS = {
    NO_MODEL: "no model has been fitted",
    TOO_SHORT: "the comment is too short",
    UNKNOWN_LANGUAGE: "the language is unknown, or nothing was learned of it",
    UNSURE: "the words do not tell",
}


def told(reading: Reading) -> dict[str, Any]:
    """What was understood, as it is shown to people and programs."""
    return {
        "themes": [tag.model_dump(mode="json") for tag in reading.themes],
        "sentiment": reading.feeling.sentiment if reading.feeling else None,
        "sentiment_score": reading.feeling.score if reading.feeling else None,
        "language": reading.language,
        "functions": list(reading.functions),
        "urgency": reading.urgency.model_dump(mode="json") if reading.urgency else None,
        "mentions": list(reading.mentions.sure),
        "unsure_mentions": list(reading.mentions.unsure),
        "masked_comment": reading.masked.text if reading.masked else None,
        "not_known": dict(reading.not_known),
    }


def why(reading: Reading, *, is_mismatch: bool) -> Iterator[str]:
    """A sentence for each thing that was understood, and for each that was not."""
    for tag in reading.themes:
        yield f"{tag.theme}: {_because(tag)}"
    if reading.feeling:
        by = "valences of its words" if reading.model_version is None else "what was learned from examples"
        yield f"{reading.feeling.sentiment}, {reading.feeling.score:+.2f} of -1 to 1: by {by}"
    if is_mismatch:
        yield "the words say the opposite of the score"
    if reading.urgency and reading.urgency.evidence:
        means = "the customer means to leave" if reading.urgency.churn_intent else "it cannot wait"
        yield f"{means}: {_quoted(reading.urgency.evidence)}"
    if reading.language:
        yield f"{reading.language}: {'told from the words' if reading.language_detected else 'as was stated'}"
    for what, reason in reading.not_known.items():
        yield f"{what} not known: {_REASONS[reason]}"


def _because(tag: ThemeTag) -> str:
    share = "" if tag.score is None else f"the model says so with {tag.score:.2f}, where 0.50 just suffices"
    if tag.source is TagSource.MODEL:
        return f"{share}, most of all for {_quoted(tag.evidence)}"
    keywords = f"keywords {_quoted(tag.evidence)}"
    return keywords if tag.source is TagSource.LOOKUP else f"{keywords}; {share}"


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(f'"{word}"' for word in words)
