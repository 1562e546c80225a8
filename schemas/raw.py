"""`ingest.raw.v1`: a vendor's webhook as it came, so that a mapping's fault loses nothing."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Base64Bytes, Field

from schemas.event import Effects, Event, UtcDatetime


class WebhookReceived(Event):
    """A verified webhook call, unread."""

    TOPIC: ClassVar[str] = "ingest.raw.v1"
    TYPE: ClassVar[str] = "ingest.webhook.received.v1"

    raw_id: UUID
    """UUIDv5 of the source and the vendor's event id, else of the body's hash."""
    source: str = Field(min_length=1, max_length=64)
    """Configured name of the vendor's connection."""
    headers: dict[str, str]
    """Only those a mapping may need; never a signature or a token."""
    body: Base64Bytes
    """The body byte for byte, base64 in JSON."""
    received_at: UtcDatetime
    """First receipt, UTC."""
    effects: Effects | None = None
    """What its answers may cause, when it is read again; null: what the source says."""

    def event_key(self) -> str:
        """The source."""
        return self.source

    def event_id(self) -> str:
        """The raw delivery's own id."""
        return str(self.raw_id)

    def event_time(self) -> datetime:
        """When it was received."""
        return self.received_at
