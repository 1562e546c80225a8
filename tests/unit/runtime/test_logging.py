import json
import logging
from collections.abc import Iterator

import psycopg
import pytest
import structlog
from pydantic import BaseModel, ValidationError

from runtime.logging import REDACTED, configure, describe, redact


class Person(BaseModel):
    age: int


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(captured: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in captured.splitlines()]


def test_a_log_line_is_json_with_service_time_and_event_id(capsys: pytest.CaptureFixture[str]) -> None:
    configure("router")
    with structlog.contextvars.bound_contextvars(event_id="e1"):
        structlog.get_logger("here").info("planned", effects=3)
    (line,) = lines(capsys.readouterr().out)
    assert line.pop("timestamp")
    assert line == {
        "event": "planned",
        "effects": 3,
        "event_id": "e1",
        "level": "info",
        "logger": "here",
        "service": "router",
    }


def test_libraries_logs_take_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure("router")
    logging.getLogger("library").warning("wrote to %s", "jane@example.com")
    (line,) = lines(capsys.readouterr().out)
    assert (line["event"], line["service"]) == (f"wrote to {REDACTED}", "router")


def test_kafka_clients_do_not_log_records_even_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    configure("router", level="DEBUG")
    logging.getLogger("kafka.producer.kafka").debug("Sending value=%r", b"Jane")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "key", ["email", "Email", "name", "phone", "comment", "reply_comment", "contact_email", "text", "payload"]
)
def test_personal_keys_are_never_written_however_deep(key: str) -> None:
    event = redact(None, "info", {"event": "x", key: "Jane", "facts": [{"inner": {key: "Jane"}}]})
    assert "Jane" not in json.dumps(event)


@pytest.mark.parametrize(
    "text", ["to jane.roe+x@example.co.uk!", "call +49 (30) 1234-5678", "<jane@example.com>"]
)
def test_addresses_in_text_are_masked(text: str) -> None:
    cleaned = redact(None, "info", {"event": text})["event"]
    assert REDACTED in cleaned
    assert "jane" not in cleaned
    assert "1234" not in cleaned


def test_what_is_not_personal_is_left_alone() -> None:
    event = {
        "event": "sent at 2026-11-22T10:00:00+00:00",
        "topic": "a.v1",
        "offset": 12,
        "ok": True,
        "none": None,
    }
    assert redact(None, "info", dict(event)) == event


def test_exceptions_are_told_without_the_data_they_quote(capsys: pytest.CaptureFixture[str]) -> None:
    configure("router")
    try:
        Person.model_validate({"age": "Jane Roe"})
    except ValidationError:
        structlog.get_logger().exception("failed")
    (line,) = lines(capsys.readouterr().out)
    assert line["exception"] == "ValidationError: int_parsing"
    assert "Jane" not in json.dumps(line)
    assert isinstance(line["frames"], list)
    assert "test_exceptions_are_told" in line["frames"][0]


def test_a_database_error_is_told_by_its_code() -> None:
    assert describe(psycopg.OperationalError("connection refused")) == "OperationalError: connection refused"
