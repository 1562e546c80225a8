"""Runs the queries that `soql` has parsed over the records."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cmp_to_key
from typing import Any

from sandbox.salesforce_checks import SalesforceError, long_id
from sandbox.salesforce_objects import OBJECTS, Field, ObjectType, object_named
from sandbox.salesforce_records import Record, Records
from sandbox.soql import Condition, Literal_, Order, Query


def run(records: Records, query: Query, *, with_deleted: bool = False) -> tuple[list[dict[str, Any]], int]:
    """Run a query: the rows as the API returns them, and how many there are."""
    kind = object_named(query.object_name)
    if kind is None:
        raise SalesforceError("INVALID_TYPE", f"sObject type '{query.object_name}' is not supported.")
    tests = [_test(records, kind, condition) for condition in query.conditions]
    paths = [_path(records, kind, name) for name in query.fields]
    keys = [(_path(records, kind, order.field), order) for order in query.order]
    enough = any if query.either else all
    found = [
        record
        for record in (
            *_candidates(records, kind, query),
            *(records.deleted(kind).values() if with_deleted else ()),
        )
        if record.visible and (not tests or enough(test(record) for test in tests))
    ]
    for path, order in reversed(keys):
        found = _sorted(found, path, order)
    found = found[query.offset :]
    if query.limit is not None:
        found = found[: query.limit]
    rows = [_row(records, record, query.fields) for record in found] if paths else []
    return rows, len(found)


def _candidates(records: Records, kind: ObjectType, query: Query) -> Iterator[Record]:
    """Narrow down by indexed equalities where there are any, so that thousands need not be read."""
    found = [_looked_up(records, kind, condition) for condition in query.conditions]
    if query.either and found and all(ids is not None for ids in found):
        together = {record.record_id: record for ids in found for record in ids or ()}
        return iter(together[record_id] for record_id in sorted(together))
    narrowed = next((ids for ids in found if ids is not None), None)
    if not query.either and narrowed is not None:
        return iter(narrowed)
    return iter(records.of(kind).values())


def _looked_up(records: Records, kind: ObjectType, condition: Condition) -> list[Record] | None:
    field = kind.field(condition.field)
    texts = [value for value in condition.values if isinstance(value, str)]
    if field is None or condition.operator not in ("=", "in") or len(texts) < len(condition.values):
        return None
    if field.name == "Id":
        return [record for text in texts if (record := records.get(kind, text)) is not None]
    if not field.is_looked_up:
        return None
    return [record for text in dict.fromkeys(texts) for record in records.matching(kind, field, text)]


def _path(records: Records, kind: ObjectType, name: str) -> Callable[[Record], Any]:
    parent, dot, child = name.rpartition(".")
    if not dot:
        field = kind.field(name)
        if field is None:
            raise _no_such_column(name, kind)
        key = field.name
        return lambda record: record.values.get(key)
    link = kind.field(f"{parent.removesuffix('__r')}__c" if parent.endswith("__r") else f"{parent}Id")
    if link is None or link.type != "reference":
        raise SalesforceError(
            "INVALID_FIELD",
            f"Didn't understand relationship '{parent}' in field path. If you are attempting to use a "
            "custom relationship, be sure to append the '__r' after the custom relationship name.",
        )
    fields = [found for target in link.refers_to if (found := OBJECTS[target].field(child)) is not None]
    if not fields:
        raise _no_such_column(child, OBJECTS[link.refers_to[0]])
    return lambda record: records.across(record.values.get(link.name), link.refers_to, fields[0].name)


def _test(records: Records, kind: ObjectType, condition: Condition) -> Callable[[Record], bool]:
    path = _path(records, kind, condition.field)
    field = kind.field(condition.field)
    if field is not None:
        _check_literals(field, condition)
    wanted = [_comparable(field, value) for value in condition.values]
    if condition.operator == "like":
        likeness = re.escape(str(wanted[0])).replace("%", ".*").replace("_", ".")
        pattern = re.compile(likeness, re.IGNORECASE | re.DOTALL)
        return lambda record: pattern.fullmatch(str(path(record) or "")) is not None
    compare = _COMPARISONS[condition.operator]
    return lambda record: compare(_comparable(field, path(record)), wanted)


def _row(records: Records, record: Record, fields: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"attributes": records.attributes(record)}
    for name in fields:
        value = _path(records, record.kind, name)(record)
        parent, dot, child = name.rpartition(".")
        if not dot:
            field = record.kind.field(name)
            row[field.name if field is not None else name] = value
        elif value is None:
            row.setdefault(parent, None)
        else:
            row[parent] = (row.get(parent) or {}) | {child: value}
    return row


def _no_such_column(name: str, kind: ObjectType) -> SalesforceError:
    return SalesforceError(
        "INVALID_FIELD",
        f"No such column '{name}' on entity '{kind.name}'. If you are attempting to use a custom field, be "
        "sure to append the '__c' after the custom field name.",
    )


def _check_literals(field: Field, condition: Condition) -> None:
    quoted = field.type not in ("double", "currency", "int", "boolean", "date", "datetime")
    for value in condition.values:
        if value is not None and isinstance(value, str) != quoted:
            advice = "and should be enclosed in quotes" if quoted else "and should not be enclosed in quotes"
            raise SalesforceError(
                "INVALID_FIELD",
                f"value of filter criterion for field '{field.name}' must be of type {field.type} {advice}",
            )


def _comparable(field: Field | None, value: Any) -> Any:  # noqa: ANN401 - any two values of one field compare
    """Bring a stored value or a literal to a form that compares as Salesforce does."""
    if value is None or isinstance(value, bool | int | float | datetime):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if field is not None and field.type == "datetime":
        return datetime.fromisoformat(value)
    if field is not None and field.type in ("id", "reference"):
        return long_id(value)
    return value.lower()


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Sequence[Literal_]], bool]:
    return lambda stored, wanted: stored is not None and wanted[0] is not None and compare(stored, wanted[0])


_COMPARISONS: Mapping[str, Callable[[Any, Sequence[Any]], bool]] = {
    "=": lambda stored, wanted: stored == wanted[0],
    "!=": lambda stored, wanted: stored != wanted[0],
    "in": lambda stored, wanted: stored in wanted,
    "not in": lambda stored, wanted: stored not in wanted,
    "<": _ordered(lambda stored, wanted: stored < wanted),
    "<=": _ordered(lambda stored, wanted: stored <= wanted),
    ">": _ordered(lambda stored, wanted: stored > wanted),
    ">=": _ordered(lambda stored, wanted: stored >= wanted),
}


def _sorted(found: Sequence[Record], path: Callable[[Record], Any], order: Order) -> list[Record]:
    def compare(one: Record, other: Record) -> int:
        left, right = path(one), path(other)
        if left is None or right is None:
            nulls = (left is not None) - (right is not None)
            return -nulls if order.nulls_last else nulls
        difference = int(left > right) - int(left < right)
        return -difference if order.descending else difference

    return sorted(found, key=cmp_to_key(compare))
