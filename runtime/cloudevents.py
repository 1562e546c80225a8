"""CloudEvents 1.0 in Kafka's binary content mode: attributes are `ce_*` headers, the value is the data.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from runtime.messages import Headers, Message, Record, header

CONTENT_TYPE = b"application/json"
SPEC_VERSION = b"1.0"
REQUIRED_HEADERS = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time")
MAX_BYTES = 1_000_000
_NAMED_ERRORS = 5


class Event(Protocol):
    """What an event must say about itself to travel. The models of `schemas` fit it as they are."""

    TOPIC: ClassVar[str]
    TYPE: ClassVar[str]

    def event_key(self) -> str:
        """The Kafka key: events of one key keep their order."""

    def event_id(self) -> str:
        """`ce_id`: equal for the same fact, however often it is written."""

    def event_time(self) -> datetime:
        """When the fact happened, aware UTC."""

    def model_dump_json(self) -> str:
        """The data."""


E = TypeVar("E", bound=BaseModel)
G = TypeVar("G")


class Undecodable(Exception):
    """A record that no reader of its topic can take, now or later.

    `cause` is one of a few words, fit for a metric label; `detail` names fields and kinds of error and quotes
    nothing of the record.
    """

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause
        self.detail = detail


def to_message(event: Event, *, source: str, traceparent: str, subject: str | None = None) -> Message:
    """The event as a Kafka message; `source` is the writer, such as "/services/ingest"."""
    return Message(
        topic=event.TOPIC,
        key=event.event_key().encode(),
        value=event.model_dump_json().encode(),
        headers=attributes(event, source=source, traceparent=traceparent, subject=subject),
    )


def attributes(event: Event, *, source: str, traceparent: str, subject: str | None = None) -> Headers:
    """The headers that say which event this is."""
    headers = [
        ("ce_specversion", SPEC_VERSION),
        ("ce_id", event.event_id().encode()),
        ("ce_type", event.TYPE.encode()),
        ("ce_source", source.encode()),
        ("ce_time", event.event_time().isoformat().encode()),
        ("content-type", CONTENT_TYPE),
        ("traceparent", traceparent.encode()),
    ]
    if subject is not None:
        headers.append(("ce_subject", subject.encode()))
    return tuple(headers)


def decode(record: Record, models: Mapping[str, type[E]], *, max_bytes: int = MAX_BYTES) -> E:
    """The event in `record`, read with the model that `ce_type` names.

    Raises Undecodable with the cause `too_large`, `missing_headers`, `unknown_spec_version`, `unknown_type`,
    `tombstone`, `not_json` or `wrong_fields`.
    """
    if record.value is None:
        raise Undecodable("tombstone", "expected data, found an empty value")
    if len(record.value) > max_bytes:
        raise Undecodable("too_large", f"{len(record.value)} bytes, at most {max_bytes} are read")
    headers = dict(reversed(record.headers))  # the first of a name is what counts
    missing = [name for name in REQUIRED_HEADERS if not headers.get(name)]
    if missing:
        raise Undecodable("missing_headers", ", ".join(missing))
    if headers["ce_specversion"] != SPEC_VERSION:
        raise Undecodable("unknown_spec_version", "expected CloudEvents 1.0")
    return _validated(record.value, _model(headers["ce_type"], models))


def decode_or_gone(
    record: Record, models: Mapping[str, type[E]], gone: Mapping[str, Callable[[str, datetime], G]]
) -> E | G:
    """Like `decode`, but a record without a value on a topic of `gone` says that its key is no more.

    It becomes what `gone` makes of the key and the time, UTC, at which the record was written.
    """
    make = gone.get(record.topic)
    if record.value is None and record.key and make is not None:
        return make(record.key.decode("utf-8", "replace"), record.timestamp)
    return decode(record, models)


def traceparent_of(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """The trace that the record belongs to, or None."""
    value = header(tuple(headers), "traceparent")
    return value.decode("ascii", "replace") if value else None


def event_id_of(headers: Headers) -> str | None:
    """`ce_id`, for logs; None when the record carries none."""
    value = header(headers, "ce_id")
    return value.decode("utf-8", "replace") if value else None


def _model(ce_type: bytes, models: Mapping[str, type[E]]) -> type[E]:
    model = models.get(ce_type.decode("utf-8", "replace"))
    if model is None:
        raise Undecodable("unknown_type", f"expected one of {', '.join(sorted(models))}")
    return model


def _validated(value: bytes, model: type[E]) -> E:
    try:
        return model.model_validate_json(value)
    except ValidationError as error:
        kinds = error.errors(include_url=False, include_context=False, include_input=False)
        if kinds[0]["type"] == "json_invalid":
            raise Undecodable("not_json", f"{len(value)} bytes") from None
        # Only the first step of a location is a field's name; deeper ones can be keys that a person chose.
        named = [f"{kind['loc'][0] if kind['loc'] else 'value'} ({kind['type']})" for kind in kinds]
        raise Undecodable("wrong_fields", ", ".join(named[:_NAMED_ERRORS])) from None
