from datetime import UTC, datetime

from runtime.postgres import Pool, reachable


def test_connections_see_their_schema_alone_and_speak_utc(pool: Pool, schema: str) -> None:
    with pool.connection() as connection:
        row = connection.execute("SELECT current_schemas(false), now()").fetchone()
    assert row is not None
    assert row[0] == [schema]
    assert row[1].utcoffset() == datetime.now(UTC).utcoffset()


def test_a_connection_that_died_in_the_pool_is_replaced_unnoticed(pool: Pool) -> None:
    with pool.connection() as connection:
        pid = connection.info.backend_pid
    with pool.connection() as first, pool.connection() as second:
        killer = first if first.info.backend_pid != pid else second
        killer.execute("SELECT pg_terminate_backend(%s)", (pid,))
    with pool.connection() as connection:
        connection.execute("SELECT 1")
    assert reachable(pool)() is None
