"""`customer.erasures.v1`: a person is forgotten, and each service says what it removed."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from schemas.event import Event, PersonKey, UtcDatetime, derived_id


class ErasureRequested(Event):
    """Forget this person: what was received before this time is dropped wherever it turns up."""

    TOPIC: ClassVar[str] = "customer.erasures.v1"
    TYPE: ClassVar[str] = "customer.erasure.requested.v1"

    erasure_id: UUID
    """One erasure over all services."""
    person_key: PersonKey
    """Who is to be forgotten."""
    aliases: tuple[str, ...] = ()
    """Other keys of the same person."""
    requested_at: UtcDatetime
    """What was received before this time is dropped, UTC."""

    def event_key(self) -> str:
        """The person."""
        return self.person_key

    def event_id(self) -> str:
        """The erasure's own id."""
        return str(self.erasure_id)

    def event_time(self) -> datetime:
        """When it was asked for."""
        return self.requested_at

    def done(self, service: str, removed: Mapping[str, int], at: datetime) -> "ErasureDone":
        """What a service reports that has removed so many records of each kind."""
        return ErasureDone(
            erasure_id=self.erasure_id,
            person_key=self.person_key,
            service=service,
            removed=dict(removed),
            done_at=at,
        )


class ErasureDone(Event):
    """One service has removed what it held."""

    TOPIC: ClassVar[str] = "customer.erasures.v1"
    TYPE: ClassVar[str] = "customer.erasure.done.v1"

    erasure_id: UUID
    """The erasure this answers."""
    person_key: PersonKey
    """Who was erased."""
    service: str = Field(min_length=1, max_length=32)
    """Who reports."""
    removed: dict[str, int]
    """Records removed, by kind."""
    done_at: UtcDatetime
    """When the removal was complete, UTC."""

    def event_key(self) -> str:
        """The person."""
        return self.person_key

    def event_id(self) -> str:
        """Of the erasure and the service."""
        return str(derived_id(self.erasure_id, self.service))

    def event_time(self) -> datetime:
        """When it was done."""
        return self.done_at


ErasureEvent = ErasureRequested | ErasureDone
ERASURE_EVENTS: Mapping[str, type[ErasureEvent]] = {
    event.TYPE: event for event in (ErasureRequested, ErasureDone)
}
"""All of the topic, by type."""
