"""A scheduler's tables, empty for every test."""

from collections.abc import Iterator

import pytest

from runtime.migrations import migrate
from runtime.postgres import Pool, open_pool
from tests.integration.scheduler.world import World


@pytest.fixture(scope="module")
def tables(database: str) -> str:
    """URL of a database that holds the scheduler's tables."""
    migrate(database, "scheduler")
    return database


@pytest.fixture
def pool(tables: str) -> Iterator[Pool]:
    opened = open_pool(tables, schema="scheduler", application="tests")
    yield opened
    opened.close()


@pytest.fixture
def world(pool: Pool) -> World:
    world = World(pool)
    world.forget()
    return world
