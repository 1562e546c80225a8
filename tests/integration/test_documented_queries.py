"""The queries that pages tell operators to run fit the tables."""

import re
from pathlib import Path

import psycopg
import pytest

from cli.jobs import services_with_tables
from runtime.migrations import migrate

DOCS = Path(__file__).parents[2] / "docs"
QUERY = re.compile(r'psql -U feedback -c \\\n +"([^"]+)"')


def queries(folder: Path) -> list[str]:
    """Every query of the pages; a `psql` that is written otherwise would be overlooked."""
    texts = [page.read_text() for page in sorted(folder.rglob("*.md"))]
    found = [query for text in texts for query in QUERY.findall(text)]
    assert len(found) == sum(text.count(" psql ") for text in texts)
    return found


@pytest.fixture(scope="module")
def tables(database: str) -> str:
    for service in services_with_tables():
        migrate(database, service)
    return database


def test_postgresql_understands_every_query(tables: str) -> None:
    with psycopg.connect(tables) as connection:
        for query in queries(DOCS):
            connection.execute(query.encode())


def test_after_a_restore_what_ingest_says_is_newer_than_what_was_said(tables: str) -> None:
    with psycopg.connect(tables) as connection:
        connection.execute(
            """INSERT INTO ingest.profiles (person_key, state) VALUES ('p', '{"version": 5}')"""
        )
        connection.execute("INSERT INTO ingest.profiles (person_key) VALUES ('only locked')")
        connection.execute(
            """INSERT INTO ingest.accounts (account_id, state) VALUES ('a', '{"version": 5}')"""
        )
        for query in queries(DOCS):
            connection.execute(query.encode())
        states = connection.execute(
            "SELECT state FROM ingest.profiles UNION ALL SELECT state FROM ingest.accounts"
        ).fetchall()
    versions = [state and state["version"] for (state,) in states]
    assert sorted(versions, key=str) == [1_000_005, 1_000_005, None]
