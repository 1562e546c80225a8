"""What Salesforce checks of the values of a record: known and writable fields, types, lengths, picklists.

Codes and sentences as in "Status Codes and Error Responses" of the REST API Developer Guide.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from sandbox.salesforce_objects import Field, ObjectType

Values = Mapping[str, Any]
T = TypeVar("T")


class SalesforceError(Exception):
    """Salesforce refuses; `status` is the HTTP status where the whole call fails."""

    def __init__(self, code: str, message: str, fields: Sequence[str] = (), *, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.fields = list(fields)
        self.status = status


_EMAIL = re.compile(r"[^@\s,;<>()\[\]\"]+@[^@\s,;<>()\[\]\".]+(\.[^@\s,;<>()\[\]\".]+)+")
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def long_id(record_id: str) -> str:
    """Add the three characters that make a 15-character id safe where case is not kept."""
    head = record_id[:15]
    chunks = (head[start : start + 5] for start in (0, 5, 10))
    return head + "".join(
        _CHECKSUM[sum(1 << place for place, letter in enumerate(chunk) if letter.isupper())]
        for chunk in chunks
    )


def check_values(
    kind: ObjectType, given: Values, *, creating: bool, exists: Callable[[str, Sequence[str]], bool]
) -> dict[str, Any]:
    """Return the values under the fields' own names; raise SalesforceError for the first that is refused.

    `exists` says whether an id names a record of one of some objects.
    """
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name == "attributes":
            continue
        field = kind.field(name)
        if field is None:
            raise SalesforceError("INVALID_FIELD", f"No such column '{name}' on sobject of type {kind.name}")
        if not field.writable:
            raise SalesforceError(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {field.name}. Please check the security settings of this "
                "field and verify that it is read/write for your profile or permission set.",
                [field.name],
            )
        values[field.name] = None if value in (None, "") else _checked(field, value, exists)
    _check_required(kind, values, creating=creating)
    return values


def _check_required(kind: ObjectType, values: Values, *, creating: bool) -> None:
    missing = [
        field.name
        for field in kind.fields.values()
        if field.required and (creating or field.name in values) and values.get(field.name) is None
    ]
    if missing:
        raise SalesforceError(
            "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing
        )


def _checked(field: Field, value: object, exists: Callable[[str, Sequence[str]], bool]) -> object:
    match field.type:
        case "boolean":
            return _typed(field, value, bool, "boolean")
        case "double" | "currency" | "int":
            return _number(field, value)
        case "date" | "datetime":
            return _moment(field, value)
    text = _typed(field, value, str, "string")
    size = len(text.replace("\n", "\r\n").encode()) if field.in_bytes else len(text)
    if field.length and size > field.length:
        raise SalesforceError(
            "STRING_TOO_LONG",
            f"{field.name}: data value too large: {text[:80]} (max length={field.length})",
            [field.name],
        )
    if field.type == "email" and not _EMAIL.fullmatch(text):
        raise SalesforceError(
            "INVALID_EMAIL_ADDRESS", f"{field.name}: invalid email address: {text}", [field.name]
        )
    if field.type == "picklist" and text not in field.values:
        raise SalesforceError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.name}: bad value for restricted picklist field: {text}",
            [field.name],
        )
    if field.type == "reference":
        return _reference(field, text, exists)
    return text


def _typed(field: Field, value: object, wanted: type[T], called: str) -> T:
    if not isinstance(value, wanted):
        raise _unreadable(field, value, called)
    return value


def _unreadable(field: Field, value: object, called: str) -> SalesforceError:
    token = {bool: "VALUE_TRUE", str: "VALUE_STRING", dict: "START_OBJECT", list: "START_ARRAY"}
    return SalesforceError(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {called} from {token.get(type(value), 'VALUE_NUMBER')} "
        f"value {value!s:.80}",
        [field.name],
    )


def _number(field: Field, value: object) -> float | int:
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unreadable(field, value, field.type)
    if field.type == "int" and value != int(value):
        raise _unreadable(field, value, "int")
    return value


def _moment(field: Field, value: object) -> str:
    text = _typed(field, value, str, field.type)
    try:
        if field.type == "date":
            return date.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _unreadable(field, value, field.type) from None
    if moment.tzinfo is None:
        raise _unreadable(field, value, field.type)
    return timestamp(moment)


def timestamp(moment: datetime) -> str:
    """Write a moment as the API does: UTC, milliseconds, `+0000`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def _reference(field: Field, text: str, exists: Callable[[str, Sequence[str]], bool]) -> str:
    if not _ID.fullmatch(text):
        raise SalesforceError(
            "MALFORMED_ID", f"{field.name}: id value of incorrect type: {text:.40}", [field.name]
        )
    record_id = long_id(text)
    if not exists(record_id, field.refers_to):
        raise SalesforceError(
            "INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {record_id}", [field.name]
        )
    return record_id
