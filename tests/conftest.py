"""Kafka and PostgreSQL for every test that asks: those the environment names, else embedded ones."""

import os
import uuid
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import psycopg
import pytest
from kafka import KafkaAdminClient
from psycopg.sql import SQL, Composed, Identifier

from sandbox.embedded_kafka import EmbeddedKafka
from sandbox.embedded_postgres import EmbeddedPostgres
from schemas.topics import EVERY_TOPIC

# Tables are looked at as on a wide terminal: rich asks once, when a command is imported.
os.environ["COLUMNS"] = "250"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules marked `long` first: side by side with others, none of them is what the end waits for."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """Bootstrap servers of the session's one broker; a test creates its topics, or takes `topics`."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield given
        return
    with EmbeddedKafka(quick_start=True) as kafka:
        yield kafka.bootstrap_servers


@pytest.fixture(scope="module")
def topics(kafka_bootstrap: str) -> str:
    """Bootstrap servers of a broker whose topics are the product's own (and dead letters), all empty."""
    with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
        admin.delete_topics([name for name in admin.list_topics() if not name.startswith("__")])
        admin.create_topics(
            {
                name: {"num_partitions": topic.partitions, "replication_factor": 1, "configs": settings}
                for topic in EVERY_TOPIC
                for name, settings in (
                    (topic.name, topic.settings()),
                    (topic.dead_letters, topic.dead_letter_settings()),
                )
            },
            wait_for_metadata=True,
        )
    return kafka_bootstrap


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """URL of the session's one PostgreSQL server, as a user who may create databases."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    with EmbeddedPostgres(durable=False) as postgres:
        yield postgres.url


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[str]:
    """URL of an empty database of this test module's own, dropped after it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _execute(database_url, SQL("CREATE DATABASE {}").format(Identifier(name)))
    yield urlsplit(database_url)._replace(path=f"/{name}").geturl()
    _execute(database_url, SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def _execute(url: str, statement: Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
