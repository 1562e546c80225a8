"""What was understood of a comment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.classified import TagSource, ThemeTag, Urgency
from services.classifier.lookup import Lookup
from services.classifier.masking import Masked
from services.classifier.mentions import Mentions
from services.classifier.sentiment import Feeling

NO_MODEL = "no_model"
TOO_SHORT = "too_short"
UNKNOWN_LANGUAGE = "unknown_language"
UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a comment is about and how it is meant; what was not looked for is None."""

    themes: tuple[ThemeTag, ...] = ()
    functions: tuple[str, ...] = ()
    language: str | None = None
    language_detected: bool = False
    feeling: Feeling | None = None
    urgency: Urgency | None = None
    mentions: Mentions = field(default_factory=lambda: Mentions((), ()))
    masked: Masked | None = None
    not_known: Mapping[str, str] = field(default_factory=dict)
    """What was looked for and could not be told, and which of the reasons above it was."""
    model_version: str | None = None


def listed(comment: str | None, language: str | None, taxonomy: Lookup) -> Reading:
    """What keyword lists alone say; `language` is what the source stated."""
    claims = taxonomy.claims(comment, language) if comment else ()
    return Reading(
        themes=tuple(
            ThemeTag(
                theme=claim.theme.id,
                source=TagSource.LOOKUP,
                evidence=claim.evidence,
                parent=claim.theme.parent,
            )
            for claim in claims
        ),
        functions=tuple(dict.fromkeys(claim.theme.function.value for claim in claims)),
        language=language,
    )
