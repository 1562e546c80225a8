"""`delivery.requests.v1`: something to send through the router that is not an answer.

To a team it goes where the team reads (its Slack channel, or a mail to each member). To a person it is a mail
and passes what every mail to a customer passes, at the moment it leaves: the person is not erased, has opted
out neither of everything nor of a program called as `kind` is, the delivery mode admits the address, and
`expires_at` has not come. A person hears one kind at most once in seven days: the next one waits, and is
withheld where it would have to wait past its end.
"""

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
    """Receiving team, an id of people.yaml; null when it goes to a person. One of the two is set."""
    person_key: PersonKey | None = None
    """Receiving person, by whichever key they are known; null when it goes to a team."""
    destination: str = Field(min_length=1, max_length=64)
    """Name of the destination that carries it: `slack` or `email`, for a person `email`."""
    content: dict[str, JsonValue]
    """`title` (a mail's subject, 1-150 characters) and `text` (plain, an empty line begins a paragraph, at
    most 20,000 characters). For a person also, if known: `response_id`, the answer it comes back to, so that
    a reply to the mail is kept with that answer; `unsubscribe_url`, an https address that unsubscribes them
    by a POST (RFC 8058)."""
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
