"""`delivery.requests.v1`: something to send through the router that is not an answer."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field, JsonValue

from schemas.event import Event, PersonKey, UtcDatetime


class DeliveryKind(StrEnum):
    """What is to be sent."""

    DIGEST = "digest"
    ALERT = "alert"
    YOU_SAID_WE_DID = "you_said_we_did"


class DeliveryRequested(Event):
    """Send this to a team or to a person, by the router's machinery and its guarantees."""

    TOPIC: ClassVar[str] = "delivery.requests.v1"
    TYPE: ClassVar[str] = "delivery.requested.v1"

    delivery_id: UUID
    kind: DeliveryKind
    team: str | None = Field(default=None, max_length=64)
    person_key: PersonKey | None = None
    destination: str = Field(min_length=1, max_length=64)
    content: dict[str, JsonValue]
    requested_at: UtcDatetime
    expires_at: UtcDatetime

    def event_key(self) -> str:
        """The person, else the team."""
        return self.person_key or self.team or str(self.delivery_id)

    def event_id(self) -> str:
        """The delivery's own id."""
        return str(self.delivery_id)

    def event_time(self) -> datetime:
        """When it was asked for."""
        return self.requested_at
