"""Bits that every figure is counted from: kept exact by flipping what changed, within one transaction.

Each counted answer has a place of its own among those of its metric and month, and each value of a dimension
has a bit at that place. A change of an answer flips the bits it no longer has and those it newly has, so the
bitmaps hold at every moment what the answers' own `marks` say.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from services.insights.standing import Mark, Standing

PLACES = 8_192
"""Bits of a bitmap: few enough that a row of them stays in its page of PostgreSQL, uncompressed."""

_KNOWN_SQL = """
SELECT mark, metric, dimension, value FROM marks
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS given (metric, dimension, value)
USING (metric, dimension, value)
"""
_NEW_SQL = """
INSERT INTO marks (metric, dimension, value) SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
RETURNING mark, metric, dimension, value
"""
_PLACES_SQL = """
INSERT INTO months AS known (metric, month, places)
SELECT * FROM unnest(%s::text[], %s::date[], %s::bigint[])
ON CONFLICT (metric, month) DO UPDATE SET places = known.places + excluded.places
RETURNING metric, month, places
"""
_FLIP_SQL = """
INSERT INTO bitmaps AS known (mark, month, piece, bits)
SELECT mark, month, piece, bits::bit(8192)
FROM unnest(%b::int[], %b::date[], %b::int[], %b::text[]) AS given (mark, month, piece, bits)
ORDER BY mark, month, piece
ON CONFLICT (mark, month, piece) DO UPDATE SET bits = known.bits # excluded.bits
"""
_WRITE_SQL: LiteralString = """
UPDATE {} AS counted SET marks = given.marks::int[], counted_as = given.counted_as, month = given.month,
    piece = given.piece, place = given.place
FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::date[], %b::int[], %b::int[])
     AS given (id, marks, counted_as, month, piece, place)
WHERE counted.{} = given.id
"""


class Table(NamedTuple):
    """Whose rows have places."""

    name: str
    key: str


ANSWERS = Table("answers", "response_id")
REQUESTS = Table("requests", "request_id")


class Spot(NamedTuple):
    """Where the bit of an answer or a request is. A population is a metric's answers, or its requests."""

    population: str
    month: date
    piece: int
    place: int


_NOWHERE = (None, None, None, None)


@dataclass(frozen=True, slots=True)
class Counted:
    """What something counted as so far, and what it counts as now. Without a standing it counts no more."""

    id: UUID
    population: str
    had: frozenset[int]
    spot: Spot | None
    standing: Standing | None


def settle(
    connection: Connection[Any], answers: Sequence[Counted], table: Table = ANSWERS, *, places: int = PLACES
) -> int:
    """Brings bitmaps and the table's rows to what they count as now; how many of them had to change.

    Only one transaction at a time may do so. `places`: how many of a piece's bits are used, at most 8192.
    """
    numbers = _numbers(connection, answers)
    changed = []
    for one in answers:
        has = _has(one, numbers)
        if has != one.had or not _stays(one):
            changed.append((one, has))
    spots = _spots(connection, [one for one, _ in changed], places)
    flips: defaultdict[tuple[int, date, int], int] = defaultdict(int)
    for one, has in changed:
        for marks, spot in ((one.had, one.spot), (has, spots[one.id])):
            if spot is not None:
                for mark in marks:
                    flips[mark, spot.month, spot.piece] ^= 1 << spot.place
    _flip(connection, flips)
    _write(connection, table, [(one.id, has, spots[one.id]) for one, has in changed])
    return len(changed)


def positions(bits: str) -> list[int]:
    """The places that are set in a bitmap, as PostgreSQL writes it."""
    return [len(bits) - 1 - at for at, bit in enumerate(bits) if bit == "1"]


def _has(one: Counted, numbers: dict[tuple[str, Mark], int]) -> frozenset[int]:
    if one.standing is None:
        return frozenset()
    return frozenset(numbers[one.population, mark] for mark in one.standing.marks)


def _stays(one: Counted) -> bool:
    """Whether an answer keeps its place, or its lack of one."""
    if one.standing is None or one.spot is None:
        return one.standing is None and one.spot is None
    return (one.spot.population, one.spot.month) == (one.population, one.standing.day.replace(day=1))


def _numbers(connection: Connection[Any], answers: Iterable[Counted]) -> dict[tuple[str, Mark], int]:
    wanted = {(one.population, mark) for one in answers if one.standing for mark in one.standing.marks}
    if not wanted:
        return {}
    numbers: dict[tuple[str, Mark], int] = {}
    for statement in (_KNOWN_SQL, _NEW_SQL):
        missing = wanted - numbers.keys()
        if missing:
            columns = [[metric, *mark] for metric, mark in sorted(missing)]
            rows = connection.execute(statement, [list(column) for column in zip(*columns, strict=True)])
            numbers.update({(metric, Mark(*mark)): number for number, metric, *mark in rows})
    return numbers


def _spots(connection: Connection[Any], answers: Sequence[Counted], places: int) -> dict[UUID, Spot | None]:
    spots: dict[UUID, Spot | None] = {}
    moving: defaultdict[tuple[str, date], list[UUID]] = defaultdict(list)
    for one in answers:
        spots[one.id] = one.spot if _stays(one) else None
        if one.standing is not None and not _stays(one):
            moving[one.population, one.standing.day.replace(day=1)].append(one.id)
    if not moving:
        return spots
    rows = connection.execute(
        _PLACES_SQL,
        (
            [metric for metric, _ in moving],
            [month for _, month in moving],
            [len(responses) for responses in moving.values()],
        ),
    )
    for metric, month, end in rows:
        responses = moving[metric, month]
        for number, response_id in enumerate(responses, start=end - len(responses)):
            spots[response_id] = Spot(metric, month, *divmod(number, places))
    return spots


def _flip(connection: Connection[Any], flips: dict[tuple[int, date, int], int]) -> None:
    touched = {key: bits for key, bits in flips.items() if bits}
    if touched:
        connection.execute(
            _FLIP_SQL,
            (
                [mark for mark, _, _ in touched],
                [month for _, month, _ in touched],
                [piece for _, _, piece in touched],
                [f"{bits:0{PLACES}b}" for bits in touched.values()],
            ),
        )


def _write(
    connection: Connection[Any],
    table: Table,
    rows: Collection[tuple[UUID, frozenset[int], Spot | None]],
) -> None:
    if rows:
        spots = [spot or _NOWHERE for _, _, spot in rows]
        connection.execute(
            SQL(_WRITE_SQL).format(*map(Identifier, table)),
            (
                [key for key, _, _ in rows],
                ["{" + ",".join(map(str, sorted(marks))) + "}" for _, marks, _ in rows],
                *map(list, zip(*spots, strict=True)),
            ),
        )
