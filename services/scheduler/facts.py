"""What a decision about one person and one occasion is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Person:
    """What the scheduler knows of a person; no name and no address."""

    key: str
    channels: frozenset[str] = frozenset()
    """Channels on which an address of this person is known."""
    bounced: frozenset[str] = frozenset()
    """Channels whose present address refused a survey."""
    refuses_all: bool = False
    refuses: frozenset[str] = frozenset()
    """Programs this person does not want."""
    unsubscribed_at: datetime | None = None
    erased_at: datetime | None = None
    internal: bool = False
    """An employee or a test person."""
    last_contact_at: datetime | None = None
    """The fatigue clock: the last survey sent or shown, or answer that came in unasked."""
    account_id: str | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that happened to a person and is a reason to ask."""

    id: UUID
    occurred_at: datetime
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """One person, one occasion."""

    person: Person
    occasion: Occasion
    gap: timedelta
    """The least time between two surveys of this person."""
