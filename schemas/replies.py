"""`customer.replies.v1`: a customer answered a mail of ours."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from schemas.event import Event, PersonKey, UtcDatetime


class ReplyReceived(Event):
    """A mail from a person in answer to one of ours; automatic replies and bounces are none."""

    TOPIC: ClassVar[str] = "customer.replies.v1"
    TYPE: ClassVar[str] = "customer.reply.received.v1"

    reply_id: UUID
    """UUIDv5 of the mail's Message-ID: the same mail is the same reply."""
    subject: str = Field(min_length=1, max_length=128)
    """What our mail was about: `response:<id>` or `request:<id>`."""
    person_key: PersonKey | None = None
    """Who was asked, where ingest knows the request; null where only the router knows."""
    text: str = Field(max_length=20_000)
    """What they wrote, without what they quoted."""
    became_comment: bool = False
    """The text is the response's comment now, and travels with the response."""
    received_at: UtcDatetime
    """When the mail came, UTC."""

    def event_key(self) -> str:
        """What it answers, so that several replies keep their order."""
        return self.subject

    def event_id(self) -> str:
        """The reply's own id."""
        return str(self.reply_id)

    def event_time(self) -> datetime:
        """When it came."""
        return self.received_at
