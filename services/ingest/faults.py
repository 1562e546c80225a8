"""What is wrong with a body, for the person who sent it: which field, and what was expected there. Pure.

No sentence repeats a value that was sent: it may be personal, and answers end up in the callers' logs.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runtime.problems import FieldProblem, pointer

MAX_FAULTS = 20

_PATTERNS = {
    r"^[^\x00]*$": "text without the character U+0000",
    "^[A-Z]{3}$": "a currency code of three capital letters, e.g. EUR",
    "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$": "a language tag, e.g. en or pt-BR",
    "^[A-Za-z0-9_+/-]+$": "a time zone's IANA name, e.g. Europe/Berlin",
    "^([A-Za-z0-9]{15}|[A-Za-z0-9]{18})$": "a Salesforce id of 15 or 18 characters",
}
_EMAIL_PATTERN_START = "^[^@"

_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "a value; this field is required",
    "int_type": lambda _: "a whole number, not text, a fraction or true/false",
    "int_from_float": lambda _: "a whole number",
    "float_type": lambda _: "a number",
    "finite_number": lambda _: "a finite number",
    "string_type": lambda _: "text",
    "bool_type": lambda _: "true or false",
    "list_type": lambda _: "a list",
    "dict_type": lambda _: "an object of names and values",
    "model_type": lambda _: "a JSON object",
    "model_attributes_type": lambda _: "a JSON object",
    "string_too_short": lambda c: f"at least {c['min_length']} character(s)",
    "string_too_long": lambda c: f"at most {c['max_length']} characters",
    "too_long": lambda c: f"at most {c['max_length']} entries",
    "too_short": lambda c: f"at least {c['min_length']} entry",
    "greater_than_equal": lambda c: f"a number not below {c['ge']:g}",
    "less_than_equal": lambda c: f"a number not above {c['le']:g}",
    "enum": lambda c: f"one of {c['expected']}",
    "literal_error": lambda c: f"one of {c['expected']}",
    "string_pattern_mismatch": lambda c: _of_pattern(c["pattern"]),
    "timezone_aware": lambda _: "a time with its offset, e.g. 2026-11-20T09:30:00Z or …+01:00",
    "datetime_type": lambda _: _RFC_3339,
    "datetime_parsing": lambda _: _RFC_3339,
    "datetime_from_date_parsing": lambda _: _RFC_3339,
    "datetime_object_invalid": lambda _: _RFC_3339,
    "date_type": lambda _: _DATE,
    "date_parsing": lambda _: _DATE,
    "date_from_datetime_parsing": lambda _: _DATE,
    "date_from_datetime_inexact": lambda _: _DATE,
}
_RFC_3339 = "a time as in RFC 3339, e.g. 2026-11-20T09:30:00Z"
_DATE = "a date, e.g. 2027-03-01"


def details(error: ValidationError) -> list[ErrorDetails]:
    """What pydantic found, without what was sent."""
    return error.errors(include_url=False, include_input=False)


def is_not_json(error: ValidationError) -> bool:
    """Whether the body is not JSON at all."""
    return details(error)[0]["type"] == "json_invalid"


def faults(found: Iterable[ErrorDetails], model: type[BaseModel]) -> list[FieldProblem]:
    """At most 20 faults, one a field; a field is an RFC 6901 pointer, empty for the whole body."""
    expected: dict[str, str] = {}
    for detail in found:
        location = detail["loc"]
        if location and location[0] == "traits" and len(location) > _TRAIT_DEPTH:
            expected.setdefault(_pointer(location[:_TRAIT_DEPTH]), _TRAIT)
        else:
            expected.setdefault(_pointer(location), _sentence(detail, model))
    return [FieldProblem(field, what) for field, what in islice(expected.items(), MAX_FAULTS)]


# Below a trait pydantic names the union's member that refused it, or that it was the trait's name.
_TRAIT_DEPTH = 2
_TRAIT = "a short name and text of at most 256 characters, a number within 2^53, or true/false"


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        return _unknown_field(detail["loc"], model)
    if detail["type"] == "json_invalid":
        return _not_json(detail["msg"])
    sentence = _SENTENCES.get(detail["type"])
    # The remaining kinds are our own validators' and say what they expected.
    return sentence(detail.get("ctx", {})) if sentence else detail["msg"]


def _not_json(message: str) -> str:
    if message.endswith("EOF while parsing a value at line 1 column 0"):
        return "a JSON object; the body is empty"
    return f"JSON; reading stopped with: {message.removeprefix('Invalid JSON: ')}"


def _unknown_field(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    if len(location) > 1:
        return "no field of this name"
    fields = sorted(model.model_fields)
    close = get_close_matches(str(location[0]), fields, n=1)
    if close:
        return f"no field of this name; did you mean `{close[0]}`?"
    return f"no field of this name, but any of {', '.join(fields)}"


def _of_pattern(pattern: str) -> str:
    if pattern.startswith(_EMAIL_PATTERN_START):
        return "an e-mail address"
    return _PATTERNS.get(pattern, f"text that fits {pattern}")


def _pointer(location: tuple[int | str, ...]) -> str:
    return pointer(step for step in location if step != "[key]")
