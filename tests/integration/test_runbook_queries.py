"""The queries in the runbooks fit the tables."""

import re
from pathlib import Path

import psycopg

from cli.jobs import services_with_tables
from runtime.migrations import migrate

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
QUERY = re.compile(r'psql -U feedback -c \\\n +"([^"]+)"')


def test_postgresql_understands_every_query(database: str) -> None:
    for service in services_with_tables():
        migrate(database, service)
    queries = [query for page in RUNBOOKS.glob("*.md") for query in QUERY.findall(page.read_text())]
    assert len(queries) == sum(page.read_text().count("psql ") for page in RUNBOOKS.glob("*.md"))
    with psycopg.connect(database) as connection:
        for query in queries:
            connection.execute(query.encode())
