"""The tables of insights, empty for every test."""

from collections.abc import Iterator

import pytest

from runtime.migrations import migrate
from runtime.postgres import Pool, open_pool
from tests.integration.insights.world import World


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate(database, "insights")
    opened = open_pool(database, schema="insights", application="tests", options={"jit": "off"})
    yield opened
    opened.close()


@pytest.fixture
def world(pool: Pool) -> World:
    world = World(pool)
    world.forget()
    return world
