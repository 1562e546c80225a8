"""`feedback.corrected.v1`: what a person put right."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from schemas.event import Event, PersonKey, UtcDatetime


class CorrectedField(StrEnum):
    """What was wrong."""

    THEMES = "themes"
    SENTIMENT = "sentiment"
    FUNCTIONS = "functions"
    USEFULNESS = "usefulness"
    """Whether the alert was of use; `after` is `not_useful` and the reason."""


class ClassificationCorrected(Event):
    """A person's correction; it outlives new classification versions until the comment changes."""

    TOPIC: ClassVar[str] = "feedback.corrected.v1"
    TYPE: ClassVar[str] = "feedback.classification.corrected.v1"

    correction_id: UUID
    """One act of correcting."""
    response_id: UUID
    """The response put right."""
    person_key: PersonKey
    """Who answered."""
    revision: int = Field(ge=0)
    """Revision of the response that the person saw."""
    field: CorrectedField
    """What was wrong."""
    before: tuple[str, ...] = ()
    """Values the person saw."""
    after: tuple[str, ...] = ()
    """Values as they should be."""
    corrected_by: str = Field(min_length=1, max_length=64)
    """Configured name of who corrected it, no e-mail address."""
    corrected_at: UtcDatetime
    """When, UTC."""

    def event_key(self) -> str:
        """The person who answered."""
        return self.person_key

    def event_id(self) -> str:
        """The correction's own id."""
        return str(self.correction_id)

    def event_time(self) -> datetime:
        """When it was corrected."""
        return self.corrected_at
