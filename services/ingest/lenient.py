"""Reads JSON that others wrote: what is missing or of another kind is None, never an exception. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from services.ingest.vendor import Call, Unreadable

_LONGEST_NUMBER = 20
_EXACT = 2**53
_SECONDS_BELOW = 100_000_000_000
"""A Unix time below this is in seconds (until the year 5138), above it in milliseconds."""
_MAX_FIELDS = 2_000
_BLANK_BEFORE_OFFSET = re.compile(r" (?=[+-])")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def json_body(call: Call) -> object:
    """The body's JSON. Raises Unreadable."""
    try:
        return json.loads(call.body)
    except (ValueError, RecursionError):
        raise Unreadable("expected JSON") from None


def json_or_form(call: Call) -> object:
    """The body's JSON, or what a form with names such as `response[score]` nests to. Raises Unreadable."""
    if not call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return json_body(call)
    try:
        pairs = parse_qsl(call.body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise Unreadable("expected a form in UTF-8") from None
    nested: dict[str, object] = {}
    for name, value in pairs:
        _put(nested, name.replace("]", "").split("["), value)
    return nested


def part(value: object, *path: str | int) -> object:
    """What is found on the way down through objects and lists, None where the way ends."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def parts(value: object, *path: str | int) -> Iterator[object]:
    """The entries of the list at the path, or the values of the object there."""
    found = part(value, *path)
    if isinstance(found, Mapping):
        yield from found.values()
    elif isinstance(found, list):
        yield from found


def text(value: object, longest: int = 256) -> str | None:
    """Text, or a number as text, cut to `longest` characters; None when blank."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, int) and value.bit_length() > longest:
        return None
    # PostgreSQL takes no U+0000, and UTF-8 no half of a surrogate pair, which JSON can spell.
    clean = str(value).replace("\x00", "").encode(errors="replace").decode().strip()
    return clean[:longest].rstrip() or None


def address(value: object) -> str | None:
    """An e-mail address; None for text that is none, which would make one person of many."""
    found = text(value, 320)
    return found if found and _ADDRESS.fullmatch(found) else None


def comment(value: object) -> str | None:
    """An open answer."""
    return text(value, 20_000)


def whole(value: object) -> int | None:
    """A whole number within 2^53, also written as text or as 7.0."""
    if isinstance(value, str):
        value = _number(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _EXACT:
        return None
    return int(value) if value == int(value) else None


def instant(value: object) -> datetime | None:
    """A time with its offset in ISO 8601, or Unix time in seconds or milliseconds, also as text."""
    unix = whole(value)
    try:
        if unix is not None:
            return datetime.fromtimestamp(unix if abs(unix) < _SECONDS_BELOW else unix / 1000, UTC)
        if not isinstance(value, str):
            return None
        # `2016-08-04 13:57:26 -0700`, as Ruby prints it.
        found = datetime.fromisoformat(_BLANK_BEFORE_OFFSET.sub("", value.strip().replace(" UTC", "Z")))
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError, OSError):
        return None


def milliseconds(value: object) -> int | None:
    """A time as milliseconds since 1970; None for one before."""
    found = instant(value)
    return int(found.timestamp() * 1000) if found and found.year >= 1970 else None  # noqa: PLR2004 - as said


def is_yes(value: object) -> bool:
    """Whether a flag is set, however it is spelled."""
    return isinstance(value, bool | int | str) and str(value).strip().lower() in {"true", "1", "yes"}


def required(value: str | None, name: str) -> str:
    """The value. Raises Unreadable naming the field where there is none."""
    if value is None:
        raise Unreadable(f"expected {name}")
    return value


def _number(value: str) -> float | int | None:
    if len(value) > _LONGEST_NUMBER:
        return None
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return None


def _put(into: dict[str, object], path: list[str], value: str) -> None:
    *above, last = path
    for step in above:
        below = into.get(step)
        if not isinstance(below, dict):
            below = into[step] = {}
        into = below
    into[last] = value
