from collections.abc import Iterator

import psutil
import psycopg
import pytest

from sandbox.embedded_postgres import EmbeddedPostgres


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres() as postgres:
        yield postgres


def _setting(server: EmbeddedPostgres, name: str) -> str:
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("max_connections", "200"),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
        ("lc_messages", "C"),
    ],
)
def test_settings(server: EmbeddedPostgres, name: str, value: str) -> None:
    assert _setting(server, name) == value


def test_it_is_postgresql_18(server: EmbeddedPostgres) -> None:
    assert _setting(server, "server_version_num").startswith("18")


def test_it_never_runs_as_root(server: EmbeddedPostgres) -> None:
    assert server.pid is not None
    assert psutil.Process(server.pid).uids().real != 0


def test_committed_rows_survive_a_crash_and_a_restart(server: EmbeddedPostgres) -> None:
    url = server.url
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE answers (score int)")
        connection.execute("INSERT INTO answers VALUES (9)")
    open_session = psycopg.connect(url)

    server.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    server.start()
    server.restart()

    open_session.close()
    assert server.url == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT score FROM answers").fetchall() == [(9,)]


def test_closing_leaves_neither_process_nor_folder() -> None:
    with EmbeddedPostgres(durable=False) as postgres:
        assert _setting(postgres, "fsync") == "off"
        pid, folder = postgres.pid, postgres.folder
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert not folder.exists()


def test_a_database_of_ones_own_is_empty(database: str) -> None:
    with psycopg.connect(database) as connection:
        tables = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == []
