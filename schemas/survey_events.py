"""`survey.events.v1`: what became of a survey request. Events may arrive in any order."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from schemas.event import Event, PersonKey, UtcDatetime, derived_id


class SurveyStep(StrEnum):
    """A step of a survey request."""

    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    SHOWN = "shown"
    CLICKED = "clicked"
    DECLINED = "declined"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"
    """Not sent (observe mode, opted out, expired, failed): releases the fatigue clock."""


class SurveyStepOccurred(Event):
    """A survey request went a step further, or will not go any further."""

    TOPIC: ClassVar[str] = "survey.events.v1"
    TYPE: ClassVar[str] = "survey.step.occurred.v1"

    request_id: UUID
    """The request it is about."""
    person_key: PersonKey
    """Who was asked."""
    program: str = Field(min_length=1, max_length=64)
    """Id of the program."""
    channel: str = Field(min_length=1, max_length=32)
    """E.g. email, in_app."""
    reminder: int = Field(default=0, ge=0)
    """Which reminder it happened to; 0: the survey itself. A reminder is no survey of its own."""
    step: SurveyStep
    """What happened."""
    reason: str | None = Field(default=None, max_length=200)
    """Why it went no further."""
    occurred_at: UtcDatetime
    """When, UTC."""

    def event_key(self) -> str:
        """The person."""
        return self.person_key

    def event_id(self) -> str:
        """Of the request, the channel, the step and its time."""
        return str(derived_id(self.request_id, self.channel, self.step, self.occurred_at.isoformat()))

    def event_time(self) -> datetime:
        """When it happened."""
        return self.occurred_at
