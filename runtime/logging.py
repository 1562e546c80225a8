"""Logs as JSON lines that carry event ids and never a person's data."""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any

import psycopg
import structlog
from pydantic import ValidationError

REDACTED = "[redacted]"
PERSONAL = frozenset(
    {
        "address",
        "answer",
        "body",
        "comment",
        "content",
        "customer_name",
        "data",
        "display_name",
        "email",
        "first_name",
        "full_name",
        "ip",
        "ip_address",
        "last_name",
        "mail",
        "message",
        "name",
        "payload",
        "phone",
        "recipient",
        "respondent",
        "subject",
        "text",
        "to",
        "traits",
        "user_agent",
        "value",
    }
)
"""Keys whose values are never written, wherever they occur; so are keys that end in one after `_`."""

_PERSONAL_ENDINGS = ("_email", "_mail", "_phone", "_comment", "_address")
_EMAIL = re.compile(r"[^\s@<>\"'(){}\[\],;:=]+@[^\s@<>\"'(){}\[\],;:=]+\.[^\s@<>\"'(){}\[\],;:=]+")
_PHONE = re.compile(r"(?<![\w.:+-])\+\d[\d ()/-]{7,}\d")
# At DEBUG these write whole records.
_TALKATIVE = (
    "kafka",
    "aiokafka",
    "faust",
    "httpx2",
    "httpcore2",
    "slack_sdk",
    "simple_salesforce",
    "urllib3",
)
# It warns of every 0.1 s in which the machine ran something else.
_NERVOUS = "kafka.net.selector"


def configure(service: str, *, level: str = "INFO") -> None:
    """Sends every log, ours and libraries', to standard output as one JSON object a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(service),
        render_exception,
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared[:-2],
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared[:-2],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                render_exception,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for library in _TALKATIVE:
        logging.getLogger(library).setLevel(max(logging.WARNING, root.level))
    logging.getLogger(_NERVOUS).setLevel(logging.ERROR)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: drops what personal keys hold, masks e-mail addresses and phone numbers."""
    return {key: _clean(key, value) for key, value in event.items()}


def render_exception(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: turns `exc_info` into the frames and a description that quotes no data."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
        event["frames"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
    return event


def describe(error: BaseException) -> str:
    """What an exception says, without the values that PostgreSQL and pydantic put into their messages."""
    kind = type(error).__name__
    if isinstance(error, ValidationError):
        kinds = error.errors(include_url=False, include_context=False, include_input=False)
        return f"{kind}: {', '.join(sorted({found['type'] for found in kinds}))}"
    if isinstance(error, psycopg.Error) and error.diag.sqlstate:
        return f"{kind}: SQLSTATE {error.diag.sqlstate}"
    return f"{kind}: {error}"


def _named(service: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add


def _clean(key: str, value: object) -> object:
    lowered = key.lower()
    if lowered in PERSONAL or lowered.endswith(_PERSONAL_ENDINGS):
        return REDACTED
    if isinstance(value, str):
        return _PHONE.sub(REDACTED, _EMAIL.sub(REDACTED, value))
    if isinstance(value, Mapping):
        return {str(inner): _clean(str(inner), held) for inner, held in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", held) for held in value]
    return value if isinstance(value, int | float | None) else _clean("", str(value))
