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
    version: int = Field(ge=1)
    """Row version; a lower one is ignored."""
    person_key: PersonKey
    account_id: str | None = Field(default=None, max_length=256)
    program: str = Field(min_length=1, max_length=64)
    metric: Metric
    channel: str = Field(min_length=1, max_length=32)
    """E.g. email or in_app."""
    question: str = Field(min_length=1, max_length=500)
    follow_up_question: str = Field(min_length=1, max_length=500)
    why_we_ask: str = Field(min_length=1, max_length=500)
    """The sentence that tells the person why they are asked now."""
    language: str = Field(default="en", max_length=35)
    requested_at: UtcDatetime
    expires_at: UtcDatetime
    """After this it is not sent any more."""
    closes_at: UtcDatetime
    """After this it cannot be answered any more."""
    context: dict[str, str] = Field(default_factory=dict)

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
    version: int = Field(ge=1)
    person_key: PersonKey
    program: str = Field(min_length=1, max_length=64)
    reason: str = Field(max_length=200)
    cancelled_at: UtcDatetime

    def event_key(self) -> str:
        """The person."""
        return self.person_key

    def event_id(self) -> str:
        """Of the request and the row version."""
        return str(derived_id(self.request_id, self.version))

    def event_time(self) -> datetime:
        """When it was withdrawn."""
        return self.cancelled_at
