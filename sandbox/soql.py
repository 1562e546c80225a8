"""The part of SOQL the double understands; anything else is refused as MALFORMED_QUERY, saying so.

    SELECT field [, field | parent.field]* | COUNT()  FROM object
    [WHERE condition [AND condition]* | condition [OR condition]*]
    [ORDER BY field [ASC|DESC] [NULLS FIRST|LAST] [, ...]] [LIMIT n] [OFFSET n]

A condition compares a field by = != < <= > >= LIKE, IN (...) or NOT IN (...) with literals.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from sandbox.salesforce_checks import SalesforceError

Literal_ = str | float | bool | datetime | date | None
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "like", "in", "not in"]


@dataclass(frozen=True, slots=True)
class Condition:
    """`field operator values`; one value except for IN and NOT IN."""

    field: str
    operator: Operator
    values: tuple[Literal_, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key; nulls come first unless told otherwise, as in SOQL."""

    field: str
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. `fields` is empty for `SELECT COUNT()`; `either`: one condition is enough."""

    fields: tuple[str, ...]
    object_name: str
    conditions: tuple[Condition, ...]
    order: tuple[Order, ...]
    limit: int | None
    offset: int
    either: bool = False


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<datetime>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2}))
    | (?P<date>\d{4}-\d{2}-\d{2})
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)?)
    | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def _malformed(near: str) -> SalesforceError:
    return SalesforceError(
        "MALFORMED_QUERY",
        f"unexpected token: '{near}' (the sandbox reads one SELECT with all AND or all OR)",
    )


class _Reader:
    """The tokens of a query, read from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0

    def peek(self) -> str:
        return self._tokens[self._place][1] if self._place < len(self._tokens) else "<EOF>"

    def accept(self, *words: str) -> bool:
        if [token[1].upper() for token in self._tokens[self._place : self._place + len(words)]] != list(
            words
        ):
            return False
        self._place += len(words)
        return True

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            raise _malformed(self.peek())

    def take(self, *kinds: str) -> tuple[str, str]:
        if self._place >= len(self._tokens) or self._tokens[self._place][0] not in kinds:
            raise _malformed(self.peek())
        self._place += 1
        return self._tokens[self._place - 1]

    def end(self) -> None:
        if self._place < len(self._tokens):
            raise _malformed(self.peek())


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise _malformed(text[place : place + 20])
        yield match.lastgroup, match[match.lastgroup]
        place = match.end()


def parse(text: str) -> Query:
    """Parse a query; raises SalesforceError (MALFORMED_QUERY) where it is not understood."""
    reader = _Reader(text)
    reader.expect("SELECT")
    fields: list[str] = []
    if not reader.accept("COUNT", "(", ")"):
        fields.append(reader.take("word")[1])
        while reader.accept(","):
            fields.append(reader.take("word")[1])
    reader.expect("FROM")
    object_name = reader.take("word")[1]
    conditions, link = [], "AND"
    if reader.accept("WHERE"):
        conditions.append(_condition(reader))
        link = "OR" if reader.peek().upper() == "OR" else "AND"
        while reader.accept(link):
            conditions.append(_condition(reader))
    order = _order(reader) if reader.accept("ORDER", "BY") else ()
    limit = int(reader.take("number")[1]) if reader.accept("LIMIT") else None
    offset = int(reader.take("number")[1]) if reader.accept("OFFSET") else 0
    reader.end()
    return Query(tuple(fields), object_name, tuple(conditions), order, limit, offset, link == "OR")


def _condition(reader: _Reader) -> Condition:
    field = reader.take("word")[1]
    if reader.accept("IN"):
        return Condition(field, "in", _list(reader))
    if reader.accept("NOT", "IN"):
        return Condition(field, "not in", _list(reader))
    if reader.accept("LIKE"):
        return Condition(field, "like", (_literal(reader),))
    sign = reader.take("sign")[1]
    operators: dict[str, Operator] = {
        "=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
    }  # fmt: skip
    if sign not in operators:
        raise _malformed(sign)
    return Condition(field, operators[sign], (_literal(reader),))


def _list(reader: _Reader) -> tuple[Literal_, ...]:
    reader.expect("(")
    values = [_literal(reader)]
    while reader.accept(","):
        values.append(_literal(reader))
    reader.expect(")")
    return tuple(values)


def _literal(reader: _Reader) -> Literal_:
    kind, text = reader.take("string", "datetime", "date", "number", "word")
    match kind:
        case "string":
            return re.sub(
                r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1], flags=re.DOTALL
            )
        case "datetime":
            return datetime.fromisoformat(text).astimezone(UTC)
        case "date":
            return date.fromisoformat(text)
        case "number":
            return float(text)
    words: dict[str, Literal_] = {"true": True, "false": False, "null": None}
    if text.lower() not in words:
        raise _malformed(text)
    return words[text.lower()]


def _order(reader: _Reader) -> tuple[Order, ...]:
    keys = [_key(reader)]
    while reader.accept(","):
        keys.append(_key(reader))
    return tuple(keys)


def _key(reader: _Reader) -> Order:
    field = reader.take("word")[1]
    descending = reader.accept("DESC")
    if not descending:
        reader.accept("ASC")
    nulls_last = reader.accept("NULLS", "LAST")
    if not nulls_last:
        reader.accept("NULLS", "FIRST")
    return Order(field, descending, nulls_last)
