"""Which answers carry which value, as bitmaps in memory: an image of the read model after one batch.

PostgreSQL holds the truth: every row its own `marks`. An image is read from them once and then follows, batch
by batch, the bits that each transaction says it flipped. So it always is what reading anew would give. One is
saved now and then: a process that starts follows from there.
"""

import sys
import threading
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import psycopg
import structlog
from psycopg import Connection
from psycopg.sql import SQL, Identifier
from psycopg_pool import PoolClosed
from pyroaring import BitMap, FrozenBitMap

from runtime.postgres import Pool, columns

KEPT_BATCHES = 5_000
"""Of so many the flips are kept: whoever falls back further begins with what was saved."""
SAVED_EVERY_BATCHES = 1_000
FOLLOW_SECONDS = 1.0
Flip = tuple[int, str, str, str, bytes]
"""Batch; population, dimension and value; the places, as a roaring bitmap."""
_BLOCK_PAGES = 4_096
"""Pages of a table whose marks are gathered at once: 32 MB, so that the server sorts nothing on disk."""
_NOTHING: Mapping[str, FrozenBitMap] = MappingProxyType({})
_EMPTY = FrozenBitMap()
_NONE: Mapping[int, BitMap] = MappingProxyType({})
log = structlog.get_logger(__name__)

_ONE_SNAPSHOT_SQL = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_NEWEST_SQL = "SELECT newest FROM batches"
_SAVED_SQL = "SELECT max(batch) FROM images"
_IMAGE_SQL = """
SELECT metric, dimension, value, places FROM images JOIN marks USING (mark) WHERE batch = %s
"""
_SAVE_SQL = """
INSERT INTO images
SELECT %s, mark, places FROM unnest(%b::text[], %b::text[], %b::text[], %b::bytea[])
     AS given (metric, dimension, value, places)
JOIN marks USING (metric, dimension, value)
ON CONFLICT DO NOTHING
"""
_SAVE_NUMBERED_SQL = "INSERT INTO images SELECT %s, * FROM unnest(%b::int[], %b::bytea[])"
_OUTDATED_SQL = "DELETE FROM images WHERE batch < %s"
_FLIPS_SQL = """
SELECT batch, metric, dimension, value, places FROM flips JOIN marks USING (mark) WHERE batch > %s
"""
_PAGES_SQL = "SELECT pg_relation_size(%s) / current_setting('block_size')::int"
_CARRYING_SQL = SQL("""
SELECT mark, string_agg(int4send(place), ''::bytea) FROM {}, unnest(marks) AS mark
WHERE ctid >= %s::tid AND ctid < %s::tid GROUP BY mark
""")
_MARKS_SQL = "SELECT mark, metric, dimension, value FROM marks"
_NEXT_SQL = "UPDATE batches SET newest = newest + 1 RETURNING newest"
_FLIPPED_SQL = "INSERT INTO flips SELECT %s, * FROM unnest(%b::int[], %b::bytea[])"
_FORGET_SQL = "DELETE FROM flips WHERE batch <= %s"


@dataclass(frozen=True, slots=True)
class Image:
    """The places that carry each value. It never changes; the next one shares what stayed the same."""

    batch: int
    """After which it is so."""
    places: Mapping[tuple[str, str], Mapping[str, FrozenBitMap]]
    """By population and dimension, of each value."""

    def of(self, population: str, dimension: str) -> Mapping[str, FrozenBitMap]:
        """The places of a dimension's values."""
        return self.places.get((population, dimension), _NOTHING)


class Images:
    """The newest image, for any thread. While it runs, nobody waits for much of it to be read."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._image: Image | None = None

    def newest(self) -> Image:
        """As after the last batch that was committed. Raises psycopg.OperationalError."""
        with self._lock, self._pool.connection() as connection:
            connection.execute(_ONE_SNAPSHOT_SQL)
            self._image = newest(connection, self._image)
            return self._image

    def run(self, stop: threading.Event) -> None:
        """Follows, and saves an image now and then, until `stop`; outlives outages of PostgreSQL."""
        while not stop.wait(FOLLOW_SECONDS):
            try:
                image = self.newest()
                with self._pool.connection() as connection:
                    save(connection, image)
            except PoolClosed:
                raise
            except psycopg.OperationalError as error:
                log.warning("no image of the answers", error=type(error).__name__)


def newest(connection: Connection[Any], known: Image | None = None) -> Image:
    """The image of the transaction's snapshot: what follows from the one known or saved, else read anew.

    The transaction has to keep to one snapshot: REPEATABLE READ.
    """
    [(batch,)] = connection.execute(_NEWEST_SQL).fetchall()
    if known is not None and (flips := _flips(connection, known.batch, batch)) is not None:
        return _following(known, batch, flips) if flips else known
    [(saved,)] = connection.execute(_SAVED_SQL).fetchall()
    if saved is not None and (flips := _flips(connection, saved, batch)) is not None:
        return _following(_saved(connection, saved), batch, flips)
    return _read(connection, batch)


def save(connection: Connection[Any], image: Image) -> None:
    """Saves an image for those who start, unless one is there that is not much older."""
    [(saved,)] = connection.execute(_SAVED_SQL).fetchall()
    if saved is not None and image.batch - saved < SAVED_EVERY_BATCHES:
        return
    rows = [
        (population, dimension, value, places.serialize())
        for (population, dimension), values in image.places.items()
        for value, places in values.items()
    ]
    if rows:
        connection.execute(_SAVE_SQL, (image.batch, *columns(rows)))
        connection.execute(_OUTDATED_SQL, (image.batch,))


def publish(connection: Connection[Any], flips: Mapping[int, Iterable[int]]) -> None:
    """Writes down, as a batch of its own, which places of which marks the transaction flipped."""
    if not flips:
        return
    [(batch,)] = connection.execute(_NEXT_SQL).fetchall()
    places = [BitMap(flipped).serialize() for flipped in flips.values()]
    connection.execute(_FLIPPED_SQL, (batch, list(flips), places))
    connection.execute(_FORGET_SQL, (batch - KEPT_BATCHES,))


def publish_anew(connection: Connection[Any], carrying: Mapping[int, BitMap] = _NONE) -> None:
    """Lets every image begin anew: nothing follows from what there was before.

    `carrying`: the places that carry each mark, all of them; saved, so that nobody reads them from the rows.
    """
    [(batch,)] = connection.execute(_NEXT_SQL).fetchall()
    connection.execute(_FORGET_SQL, (batch,))
    connection.execute(_OUTDATED_SQL, (batch,))
    if carrying:
        places = [places.serialize() for places in carrying.values()]
        connection.execute(_SAVE_NUMBERED_SQL, (batch, list(carrying), places))


def _flips(connection: Connection[Any], since: int, batch: int) -> Sequence[Flip] | None:
    """What the batches after one flipped; None where that is not known of all of them."""
    flips = connection.execute(_FLIPS_SQL, (since,), binary=True).fetchall() if batch > since else []
    return flips if len({of for of, *_ in flips}) == batch - since else None


def _saved(connection: Connection[Any], batch: int) -> Image:
    found: defaultdict[tuple[str, str], dict[str, FrozenBitMap]] = defaultdict(dict)
    for population, dimension, value, places in connection.execute(_IMAGE_SQL, (batch,), binary=True):
        found[population, dimension][value] = FrozenBitMap.deserialize(places)
    return Image(batch, dict(found))


def _following(known: Image, batch: int, flips: Sequence[Flip]) -> Image:
    flipped: defaultdict[tuple[str, str], dict[str, FrozenBitMap]] = defaultdict(dict)
    for _, population, dimension, value, places in flips:
        values = flipped[population, dimension]
        values[value] = values.get(value, _EMPTY) ^ FrozenBitMap.deserialize(places)
    changed = {}
    for key, values in flipped.items():
        before = known.of(*key)
        after = {value: before.get(value, _EMPTY) ^ bits for value, bits in values.items()}
        changed[key] = {**before, **after}
    return Image(batch, {**known.places, **changed})


def _read(connection: Connection[Any], batch: int) -> Image:
    carrying: defaultdict[int, BitMap] = defaultdict(BitMap)
    for table in ("answers", "requests"):
        statement = _CARRYING_SQL.format(Identifier(table))
        [(pages,)] = connection.execute(_PAGES_SQL, (table,)).fetchall()
        for begin in range(0, pages, _BLOCK_PAGES):
            block = (f"({begin},0)", f"({begin + _BLOCK_PAGES},0)")
            for mark, places in connection.execute(statement, block, binary=True):
                carrying[mark] |= BitMap(_numbers(places))
    found: defaultdict[tuple[str, str], dict[str, FrozenBitMap]] = defaultdict(dict)
    for mark, population, dimension, value in connection.execute(_MARKS_SQL):
        if mark in carrying:
            found[population, dimension][value] = FrozenBitMap(carrying.pop(mark))
    return Image(batch, dict(found))


def _numbers(sent: bytes) -> "array[int]":
    """Numbers as PostgreSQL sends them, the highest byte first."""
    numbers = array("I")
    numbers.frombytes(sent)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
