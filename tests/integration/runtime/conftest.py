"""A topic and a schema of each test's own."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from runtime import outbox
from runtime.postgres import Pool, open_pool
from tests.integration.runtime.world import Broker


@pytest.fixture
def broker(kafka_bootstrap: str) -> Broker:
    return Broker(kafka_bootstrap)


@pytest.fixture
def schema(database: str) -> str:
    """A schema with an outbox and a table of numbers taken."""
    name = f"s{uuid.uuid4().hex[:8]}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        connection.execute(f"SET search_path = {name}")
        connection.execute(outbox.CREATE_SQL)
        connection.execute("CREATE TABLE taken (id bigserial, number int, topic text)")
    return name


@pytest.fixture
def pool(database: str, schema: str) -> Iterator[Pool]:
    opened = open_pool(database, schema=schema, application="tests")
    yield opened
    opened.close()
