"""Tables partitioned by month: made before they are needed, dropped whole when they are too old.

A partition is called after its table and its month, such as `attempts_2026_11`.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
from psycopg.sql import SQL, Identifier, Literal

LOCK_TIMEOUT = "2s"

Connection = psycopg.Connection[Any]

_CHILDREN_SQL = """
SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = %s::regclass ORDER BY child.relname
"""


def month_of(when: datetime, later: int = 0) -> datetime:
    """The first moment, UTC, of the month `later` months after that of `when`."""
    months = when.year * 12 + when.month - 1 + later
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def this_and_next_month(connection: Connection) -> tuple[datetime, datetime]:
    """The first moments of two months, by the database's clock."""
    [(now,)] = connection.execute("SELECT now()").fetchall()
    return month_of(now), month_of(now, 1)


def ensure_months(
    connection: Connection, table: str, months: Iterable[datetime], *, options: LiteralString = ""
) -> None:
    """Make the partitions of these months, given by their first moments; `options` follow their definition.

    Whoever does so at the same time waits: IF NOT EXISTS alone is not safe from a race.
    """
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('partitions'), hashtext(%s))", (table,))
    for start in months:
        connection.execute(
            SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({}) {}").format(
                Identifier(f"{table}_{start:%Y_%m}"),
                Identifier(table),
                Literal(start),
                Literal(month_of(start, 1)),
                SQL(options),
            )
        )


def drop_months(connection: Connection, table: str, before: datetime) -> None:
    """Drop the partitions of the months that ended before `before`.

    Raises psycopg.errors.LockNotAvailable when the table is in use for longer than 2 s.
    """
    connection.execute(SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT))
    for (name,) in connection.execute(_CHILDREN_SQL, (table,)).fetchall():
        month = re.fullmatch(rf"{re.escape(table)}_(\d{{4}})_(\d{{2}})", name)
        if month and month_of(datetime(int(month[1]), int(month[2]), 1, tzinfo=UTC), 1) <= before:
            connection.execute(SQL("DROP TABLE IF EXISTS {}").format(Identifier(name)))
