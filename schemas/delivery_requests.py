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
    """One thing to send; sent once."""
    kind: DeliveryKind
    """What it is."""
    team: str | None = Field(default=None, max_length=64)
    """Receiving team; null when it goes to a person."""
    person_key: PersonKey | None = None
    """Receiving person; null when it goes to a team."""
    destination: str = Field(min_length=1, max_length=64)
    """Name of the destination that carries it."""
    content: dict[str, JsonValue]
    """What the destination's template fills in."""
    requested_at: UtcDatetime
    """When it was asked for, UTC."""
    expires_at: UtcDatetime
    """After this it is not sent any more, UTC."""

    def event_key(self) -> str:
        """The person, else the team."""
        return self.person_key or self.team or str(self.delivery_id)

    def event_id(self) -> str:
        """The delivery's own id."""
        return str(self.delivery_id)

    def event_time(self) -> datetime:
        """When it was asked for."""
        return self.requested_at
