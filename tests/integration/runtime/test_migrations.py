from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from runtime.migrations import migrate

REVISION = '''
from alembic import op
from runtime.outbox import CREATE_SQL

revision = "{number}"
down_revision = {below}

def upgrade() -> None:
    op.execute("""{sql}""")
'''
OUTBOX = REVISION.replace('op.execute("""{sql}""")', "op.execute(CREATE_SQL)")


@pytest.fixture
def revisions(tmp_path: Path) -> Path:
    folder = tmp_path / "versions"
    folder.mkdir()
    return folder


@pytest.fixture
def service(database: str) -> Iterator[str]:
    yield "stock"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS stock CASCADE")


def tables(database: str) -> set[str]:
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'stock'").fetchall()
    return {name for (name,) in rows}


def test_a_service_gets_its_own_schema_with_its_own_version_table(
    database: str, revisions: Path, service: str
) -> None:
    (revisions / "0001_outbox.py").write_text(OUTBOX.format(number="0001", below=None))
    assert migrate(database, service, revisions.parent) == "0001"
    assert tables(database) == {"alembic_version", "outbox"}

    sql = "CREATE TABLE shelf (label text DEFAULT '100%' CHECK (label::text <> 'x'))"
    (revisions / "0002_shelf.py").write_text(REVISION.format(number="0002", below='"0001"', sql=sql))
    assert migrate(database, service, revisions.parent) == "0002"
    assert migrate(database, service, revisions.parent) == "0002"
    assert tables(database) == {"alembic_version", "outbox", "shelf"}


def test_replicas_may_migrate_at_the_same_time(database: str, revisions: Path, service: str) -> None:
    (revisions / "0001_outbox.py").write_text(OUTBOX.format(number="0001", below=None))
    with ThreadPoolExecutor(4) as replicas:
        results = list(replicas.map(lambda _: migrate(database, service, revisions.parent), range(4)))
    assert results == ["0001"] * 4


def test_a_revision_that_fails_leaves_nothing(database: str, revisions: Path, service: str) -> None:
    sql = "CREATE TABLE half (id int); CREATE TABLE broken (id nonsense)"
    (revisions / "0001_broken.py").write_text(REVISION.format(number="0001", below=None, sql=sql))
    with pytest.raises(DBAPIError):
        migrate(database, service, revisions.parent)
    assert tables(database) == set()


def test_an_unknown_service_is_named() -> None:
    with pytest.raises(ValueError, match="no service called 'nonsense'"):
        migrate("postgresql://nowhere", "nonsense")
