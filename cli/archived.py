"""Events as the archive holds them."""

from datetime import UTC, datetime
from typing import TypeVar

from runtime import cloudevents
from runtime.cloudevents import Undecodable
from runtime.messages import Message, Record
from schemas.event import Event

E = TypeVar("E", bound=Event)
_NOT_TOLD = datetime.min.replace(tzinfo=UTC)


def event_of(message: Message, event: type[E]) -> E | None:
    """The event, None where nobody understands it: the archive keeps such records, as the dead letters do."""
    record = Record(message.topic, 0, 0, message.key, message.value, message.headers, _NOT_TOLD)
    try:
        return cloudevents.decode(record, {event.TYPE: event})
    except Undecodable:
        return None
