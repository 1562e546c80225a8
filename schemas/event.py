"""What every event has in common."""

from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha1
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

# Ids made from names stay the same on every machine and in every run: a replay makes the same events again.
NAMESPACE = UUID("6f1c1f6e-8f0b-5a3e-9b57-2d1f4f2f7c10")
# RFC 9562, 5.5: where a UUID says which version and variant it is.
_UUID_VERSION_5 = (5 << 76) | (2 << 62)
_UUID_DIGEST = ((1 << 128) - 1) & ~((15 << 76) | (3 << 62))


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An instant. Any offset is read; UTC is kept. A time without an offset is refused."""

PersonKey = Annotated[str, Field(min_length=1, max_length=64)]
"""Pseudonym of a person: an HMAC of the strongest identifier known, or a response id where there was none."""


class Effects(StrEnum):
    """Whether an event may cause anything outside; travels with the event through every hop."""

    DELIVER = "deliver"
    RECORD = "record"


class Contract(BaseModel):
    """A part of an event. Frozen; unknown fields are ignored, so a newer writer never breaks a reader."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Event(Contract):
    """A fact in the past tense. Subclasses say on which topic it travels and under which type."""

    TOPIC: ClassVar[str]
    TYPE: ClassVar[str]

    def event_key(self) -> str:
        """Kafka key: events of one key keep their order."""
        raise NotImplementedError

    def event_id(self) -> str:
        """CloudEvents id: the same fact has the same id however often it is published."""
        raise NotImplementedError

    def event_time(self) -> datetime:
        """When the fact happened, UTC."""
        raise NotImplementedError


def derived_id(scope: UUID, *parts: object) -> UUID:
    """UUIDv5 (RFC 9562, 5.5) of the parts within a scope."""
    # uuid.uuid5 gives the same in three times the time, and every event of every service has such an id.
    name = "\x1f".join(map(str, parts)).encode()
    digest = int.from_bytes(sha1(scope.bytes + name, usedforsecurity=False).digest()[:16])
    return UUID(int=digest & _UUID_DIGEST | _UUID_VERSION_5)
