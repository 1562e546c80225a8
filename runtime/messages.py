"""A Kafka record before it is sent and after it is read, free of any client library's types."""

from dataclasses import dataclass
from datetime import datetime

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A record to be written. `value` None is a tombstone: on a compacted topic it deletes the key."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read. `timestamp` is what the producer or broker stamped on it, aware UTC."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: datetime


def header(headers: Headers, name: str) -> bytes | None:
    """The first header called `name`, or None."""
    for candidate, value in headers:
        if candidate == name:
            return value
    return None
