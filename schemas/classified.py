"""`feedback.classified.v1`: what an answer is about."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from schemas.event import Contract, Event, derived_id
from schemas.responses import ResponseRecorded
from schemas.scales import Group


class TagSource(StrEnum):
    """What claimed a theme."""

    LOOKUP = "lookup"
    MODEL = "model"
    BOTH = "both"
    PERSON = "person"


class ThemeTag(Contract):
    """One theme of a comment, with its evidence."""

    theme: str = Field(min_length=1, max_length=64)
    """Id of the theme in the taxonomy."""
    source: TagSource
    """What claimed it."""
    score: float | None = Field(default=None, ge=0, le=1)
    """The model's confidence; null for a look-up list, which has none."""
    polarity: int | None = Field(default=None, ge=-1, le=1)
    """-1 complaint, 0 neither, 1 praise; null where it is not known."""
    evidence: tuple[str, ...] = ()
    """The words of the comment that claimed it."""
    parent: str | None = Field(default=None, max_length=64)
    """Id of the theme that this one is a part of; null at the upper level."""


class Urgency(Contract):
    """Signs that somebody should act at once."""

    level: str = Field(pattern="^(normal|high)$")
    """`high` asks for somebody at once."""
    churn_intent: bool = False
    """The comment says that the customer means to leave."""
    evidence: tuple[str, ...] = ()
    """The words that say so."""


class ResponseClassified(Event):
    """A response with its group and, where it has a comment, its themes, sentiment and functions."""

    TOPIC: ClassVar[str] = "feedback.classified.v1"
    TYPE: ClassVar[str] = "feedback.response.classified.v1"

    response: ResponseRecorded
    """The response as it was classified."""
    classification_version: int = Field(ge=1)
    """Integer from the manifest of code, taxonomy and model; higher is newer."""
    group: Group | None = None
    """Null where there is no score."""
    themes: tuple[ThemeTag, ...] = ()
    """At most one tag a theme."""
    sentiment: str | None = Field(default=None, pattern="^(positive|neutral|negative)$")
    """Null where it is not known; never guessed."""
    functions: tuple[str, ...] = ()
    """Departments the answer concerns, e.g. Support, Product, Finance."""
    urgency: Urgency | None = None
    """Null where nothing was looked for."""
    mentions: tuple[str, ...] = ()
    """Employees named in the comment."""
    language: str | None = Field(default=None, max_length=35)
    """BCP 47 tag of the comment's language; null where it is not known."""
    masked_comment: str | None = None
    """The comment with personal details masked, for channels that many people read."""
    masked_further_answers: tuple[str, ...] = ()
    """What was answered to the survey's further questions, in their order, personal details masked."""
    score_text_mismatch: bool = False
    """The words say the opposite of the score."""
    sentiment_score: float | None = Field(default=None, ge=-1, le=1)
    """From -1, as unhappy as can be, to 1; null where the sentiment is."""
    unsure_mentions: tuple[str, ...] = ()
    """What reads like an employee's name and stands in no roster."""
    language_detected: bool = False
    """The language was told from the words; else the source gave it."""
    personal_details: tuple[str, ...] = ()
    """Kinds of details that were masked: email, phone, card, iban, number, name."""
    not_known: dict[str, str] = Field(default_factory=dict)
    """What was looked for and could not be told, and why: no_model, too_short, unknown_language, unsure."""
    taxonomy_version: int | None = Field(default=None, ge=1)
    """The version that the themes' file states."""
    model_version: str | None = Field(default=None, max_length=64)
    """Digest of the model that took part; null where none did."""

    def order_key(self) -> tuple[int, int, int, int]:
        """Order of the response, then the classification version."""
        return (*self.response.order.key(), self.classification_version)

    def event_key(self) -> str:
        """The person."""
        return self.response.person_key

    def event_id(self) -> str:
        """Of the response, its order and the classification version."""
        return str(derived_id(self.response.response_id, *self.order_key()))

    def event_time(self) -> datetime:
        """When the person answered."""
        return self.response.responded_at
