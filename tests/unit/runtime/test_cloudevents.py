import json
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from pydantic import BaseModel

from runtime.cloudevents import Undecodable, decode, event_id_of, to_message, traceparent_of
from runtime.messages import Message, Record, header

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Answered(BaseModel):
    TOPIC: ClassVar[str] = "answers.v1"
    TYPE: ClassVar[str] = "answered.v1"
    person: str
    score: int
    traits: dict[str, int] = {}

    def event_key(self) -> str:
        return self.person

    def event_id(self) -> str:
        return f"{self.person}-{self.score}"

    def event_time(self) -> datetime:
        return datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


MODELS = {Answered.TYPE: Answered}


def record(message: Message, **changed: object) -> Record:
    fields: dict[str, object] = {
        "topic": message.topic,
        "partition": 0,
        "offset": 7,
        "key": message.key,
        "value": message.value,
        "headers": message.headers,
        "timestamp": datetime(2026, 11, 22, tzinfo=UTC),
    }
    return Record(**(fields | changed))  # type: ignore[arg-type]  # fields are checked by each test's outcome


@pytest.fixture
def message() -> Message:
    answered = Answered(person="p1", score=9)
    return to_message(answered, source="/services/ingest", traceparent=TRACEPARENT)


def test_an_event_travels_in_binary_mode(message: Message) -> None:
    assert message.topic == "answers.v1"
    assert message.key == b"p1"
    assert json.loads(message.value or b"") == {"person": "p1", "score": 9, "traits": {}}
    assert dict(message.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"p1-9",
        "ce_type": b"answered.v1",
        "ce_source": b"/services/ingest",
        "ce_time": b"2026-11-22T08:30:00+00:00",
        "content-type": b"application/json",
        "traceparent": TRACEPARENT.encode(),
    }


def test_a_subject_is_an_attribute_too() -> None:
    answered = Answered(person="p1", score=9)
    message = to_message(answered, source="/s", traceparent=TRACEPARENT, subject="response/1")
    assert header(message.headers, "ce_subject") == b"response/1"


def test_what_was_sent_is_read(message: Message) -> None:
    read = record(message)
    assert decode(read, MODELS) == Answered(person="p1", score=9)
    assert traceparent_of(read.headers) == TRACEPARENT
    assert event_id_of(read.headers) == "p1-9"


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time"])
def test_a_record_without_a_required_header_is_refused(message: Message, name: str) -> None:
    headers = tuple(pair for pair in message.headers if pair[0] != name)
    with pytest.raises(Undecodable, match=f"missing_headers: {name}"):
        decode(record(message, headers=headers), MODELS)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"value": b"{"}, "not_json"),
        ({"value": b""}, "not_json"),
        ({"value": b"[]"}, "wrong_fields"),
        ({"value": b'{"person": "p1", "score": "many"}'}, "wrong_fields"),
        ({"value": None}, "tombstone"),
        ({"value": b" " * 1001}, "too_large"),
    ],
)
def test_what_cannot_be_read_has_a_cause(message: Message, changed: dict[str, object], cause: str) -> None:
    with pytest.raises(Undecodable) as refused:
        decode(record(message, **changed), MODELS, max_bytes=1000)
    assert refused.value.cause == cause


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [("ce_type", b"answered.v2", "unknown_type"), ("ce_specversion", b"2.0", "unknown_spec_version")],
)
def test_another_version_is_refused(message: Message, name: str, value: bytes, cause: str) -> None:
    headers = tuple((key, value if key == name else old) for key, old in message.headers)
    with pytest.raises(Undecodable) as refused:
        decode(record(message, headers=headers), MODELS)
    assert refused.value.cause == cause


def test_a_refusal_quotes_nothing_of_the_record(message: Message) -> None:
    value = b'{"person": "jane@example.com", "score": "jane@example.com", "traits": {"Jane Roe": "x"}}'
    with pytest.raises(Undecodable) as refused:
        decode(record(message, value=value), MODELS)
    assert refused.value.detail == "score (int_parsing), traits (int_parsing)"
