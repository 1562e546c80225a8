"""`survey.requests.v1`: ask this person this survey now, or no longer."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from schemas.event import Event, PersonKey, UtcDatetime, derived_id
from schemas.scales import Metric


class SurveyRequested(Event):
    """One person is to be asked. One request id serves all channels and reminders; the answer carries it."""

    TOPIC: ClassVar[str] = "survey.requests.v1"
    TYPE: ClassVar[str] = "survey.request.requested.v1"

    request_id: UUID
    """One question to one person."""
    version: int = Field(ge=1)
    """Row version; a lower one is ignored."""
    person_key: PersonKey
    """Who is asked."""
    account_id: str | None = Field(default=None, max_length=256)
    """Their account."""
    program: str = Field(min_length=1, max_length=64)
    """Id of the program that asks."""
    metric: Metric
    """Which standard question."""
    channel: str = Field(min_length=1, max_length=32)
    """E.g. email or in_app. A later version can name the next one, when nobody saw it on this."""
    reminder: int = Field(default=0, ge=0)
    """0 when it is first asked; a later version counts the reminders."""
    question: str = Field(min_length=1, max_length=500)
    """The question in the person's language."""
    follow_up_question: str = Field(min_length=1, max_length=500)
    """The open question that follows the score."""
    why_we_ask: str = Field(min_length=1, max_length=500)
    """The sentence that tells the person why they are asked now."""
    language: str = Field(default="en", max_length=35)
    """BCP 47 tag of the texts."""
    requested_at: UtcDatetime
    """When the scheduler decided, UTC."""
    expires_at: UtcDatetime
    """After this it is not sent any more."""
    closes_at: UtcDatetime
    """After this it cannot be answered any more."""
    context: dict[str, str] = Field(default_factory=dict)
    """What it is about, from the lifecycle event; the answer carries it back."""

    def event_key(self) -> str:
        """The person."""
        return self.person_key

    def event_id(self) -> str:
        """Of the request and the row version."""
        return str(derived_id(self.request_id, self.version))

    def event_time(self) -> datetime:
        """When the scheduler decided."""
        return self.requested_at


class SurveyRequestCancelled(Event):
    """The request is withdrawn; a cancelled request never reopens."""

    TOPIC: ClassVar[str] = "survey.requests.v1"
    TYPE: ClassVar[str] = "survey.request.cancelled.v1"

    request_id: UUID
    """The request withdrawn."""
    version: int = Field(ge=1)
    """Row version; a lower one is ignored."""
    person_key: PersonKey
    """Who was to be asked."""
    program: str = Field(min_length=1, max_length=64)
    """Id of the program."""
    reason: str = Field(max_length=200)
    """Why, e.g. the purchase was retracted."""
    cancelled_at: UtcDatetime
    """When, UTC."""

    def event_key(self) -> str:
        """The person."""
        return self.person_key

    def event_id(self) -> str:
        """Of the request and the row version."""
        return str(derived_id(self.request_id, self.version))

    def event_time(self) -> datetime:
        """When it was withdrawn."""
        return self.cancelled_at
