"""What answers and requests count as, written down: as marks of their rows, and as the bits that flipped.

Each row has a place, a number of its own for ever. A mark is a value of a dimension in one population: a
metric's answers, or its requests. A change of a row flips its place in the marks it lost and in those it got.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from services.insights.standing import Mark, Standing

_KNOWN_SQL = """
SELECT mark, metric, dimension, value FROM marks
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS given (metric, dimension, value)
USING (metric, dimension, value)
"""
_NEW_SQL = """
INSERT INTO marks (metric, dimension, value) SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
RETURNING mark, metric, dimension, value
"""
_WRITE_SQL: LiteralString = """
UPDATE {} AS counted SET marks = given.marks::int[]
FROM unnest(%b::uuid[], %b::text[]) AS given (id, marks)
WHERE counted.{} = given.id
"""


class Table(NamedTuple):
    """Whose rows have places."""

    name: str
    key: str


ANSWERS = Table("answers", "response_id")
REQUESTS = Table("requests", "request_id")


@dataclass(frozen=True, slots=True)
class Counted:
    """What something counted as so far, and what it counts as now: without a standing or marks, nothing."""

    id: UUID
    population: str
    place: int
    had: frozenset[int]
    standing: Standing | None
    has: frozenset[int] | None = None
    """In place of a standing, where the numbers of its marks are known already."""


class Settled(NamedTuple):
    """What settling changed."""

    moved: int
    """Rows that count differently from before."""
    flips: Mapping[int, Sequence[int]]
    """The places that each mark got or lost."""


def settle(connection: Connection[Any], counted: Sequence[Counted], table: Table = ANSWERS) -> Settled:
    """Brings the table's rows to what they count as now."""
    numbers = _numbers(connection, counted)
    flips: defaultdict[int, list[int]] = defaultdict(list)
    changed = []
    for one in counted:
        has = _has(one, numbers)
        if has != one.had:
            changed.append((one.id, has))
            for mark in one.had ^ has:
                flips[mark].append(one.place)
    _write(connection, table, changed)
    return Settled(len(changed), flips)


def _has(one: Counted, numbers: Mapping[str, Mapping[Mark, int]]) -> frozenset[int]:
    if one.standing is None:
        return one.has or frozenset()
    return frozenset(map(numbers[one.population].__getitem__, one.standing.marks))


def _numbers(connection: Connection[Any], counted: Iterable[Counted]) -> Mapping[str, Mapping[Mark, int]]:
    """The number of each mark, by population."""
    wanted: defaultdict[str, set[Mark]] = defaultdict(set)
    for one in counted:
        if one.standing is not None:
            wanted[one.population].update(one.standing.marks)
    numbers: defaultdict[str, dict[Mark, int]] = defaultdict(dict)
    for statement in (_KNOWN_SQL, _NEW_SQL):
        missing = [
            (population, *mark)
            for population, marks in sorted(wanted.items())
            for mark in sorted(marks - numbers[population].keys())
        ]
        if missing:
            rows = connection.execute(statement, [list(column) for column in zip(*missing, strict=True)])
            for number, population, *mark in rows:
                numbers[population][Mark(*mark)] = number
    return numbers


def _write(connection: Connection[Any], table: Table, rows: Collection[tuple[UUID, frozenset[int]]]) -> None:
    if rows:
        connection.execute(
            SQL(_WRITE_SQL).format(*map(Identifier, table)),
            (
                [key for key, _ in rows],
                ["{" + ",".join(map(str, sorted(marks))) + "}" for _, marks in rows],
            ),
        )
