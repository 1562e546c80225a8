"""The PostgreSQL pool: one schema a service, UTC, and no wait without an end."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, LiteralString

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

CONNECT_TIMEOUT_SECONDS = 5
CHECKOUT_TIMEOUT_SECONDS = 4
# A server that vanished without a word is noticed after this time, not after TCP's quarter of an hour.
UNANSWERED_TIMEOUT_SECONDS = 10
# The pool doubles its pause between attempts; starting afresh keeps the way back to a revived server short.
RECONNECT_ROUND_SECONDS = 3
HEALTH_TIMEOUT_SECONDS = 2

_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})

Pool = ConnectionPool[Connection[TupleRow]]


def open_pool(
    url: str, *, schema: str, application: str, max_size: int = 10, options: Mapping[str, str] = _NO_OPTIONS
) -> Pool:
    """A pool whose connections see only `schema` and speak UTC; `options` are further settings of theirs.

    Returns at once, server or no server: health says when it is reachable. A checkout waits at most 4 s and
    then raises `psycopg_pool.PoolTimeout`, an OperationalError; a connection that died meanwhile is replaced.
    """
    pool: Pool = ConnectionPool(
        conninfo(url, schema=schema, application=application, options=options),
        min_size=1,
        max_size=max_size,
        timeout=CHECKOUT_TIMEOUT_SECONDS,
        reconnect_timeout=RECONNECT_ROUND_SECONDS,
        check=ConnectionPool.check_connection,
        name=application,
        open=False,
    )
    pool.open(wait=False)
    return pool


def conninfo(url: str, *, schema: str, application: str, options: Mapping[str, str] = _NO_OPTIONS) -> str:
    """libpq's connection string behind every connection of a service."""
    settings = {"search_path": schema, "timezone": "UTC", **options}
    return make_conninfo(
        url,
        application_name=application,
        options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        keepalives_idle=UNANSWERED_TIMEOUT_SECONDS,
        tcp_user_timeout=UNANSWERED_TIMEOUT_SECONDS * 1000,
    )


def copy(connection: Connection[Any], statement: LiteralString, rows: Sequence[Sequence[object]]) -> None:
    """Add rows with `COPY ... FROM STDIN`: all must be new, it knows no ON CONFLICT.

    Not within a pipeline. Nothing is sent where there are no rows. Text is written four times as fast as
    UUIDs, moments and lists: give those that are many as `uuid.hex`, `isoformat()` and `array`.
    """
    if not rows:
        return
    with connection.cursor() as cursor, cursor.copy(statement) as copying:
        for row in rows:
            copying.write_row(row)


def columns(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    """Rows as `unnest` takes them: one list a column. There has to be a row."""
    return [list(column) for column in zip(*rows, strict=True)]


def array(values: Iterable[object]) -> str:
    """The literal of a PostgreSQL array, for where a list is slow or cannot go: an array in an array."""
    quoted = (str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


@contextmanager
def leading(pool: Pool, name: str) -> Iterator[Connection[TupleRow] | None]:
    """A connection in autocommit that holds the schema's lock `name`; None while another replica holds it.

    All SQL of the work belongs on it: whoever lost the connection lost the lock, and can change nothing.
    """
    with pool.connection() as connection:
        connection.autocommit = True
        try:
            row = connection.execute(
                "SELECT pg_try_advisory_lock(hashtext(%s), hashtext(current_schema()))", (name,)
            ).fetchone()
            yield connection if row and row[0] else None
        finally:
            if not connection.broken:
                connection.execute("SELECT pg_advisory_unlock_all()")
                connection.autocommit = False


def reachable(pool: Pool) -> Callable[[], str | None]:
    """The health check of a pool."""

    def check() -> str | None:
        try:
            with pool.connection(timeout=HEALTH_TIMEOUT_SECONDS) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            return f"PostgreSQL does not answer ({type(error).__name__})"
        return None

    return check
