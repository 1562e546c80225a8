"""A router's tables, empty for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.migrations import migrate
from runtime.postgres import Pool, open_pool
from services.router.ledger import PLANS_BY_KEY
from services.router.upkeep import ensure_partitions
from tests.integration.router.api import Api
from tests.integration.router.world import MAIL, World


@pytest.fixture(scope="module")
def tables(database: str) -> str:
    """URL of a database that holds the router's tables."""
    migrate(database, "router")
    return database


@pytest.fixture
def pool(tables: str) -> Iterator[Pool]:
    opened = open_pool(tables, schema="router", application="tests", options=PLANS_BY_KEY)
    with opened.connection() as connection:
        ensure_partitions(connection)
    yield opened
    opened.close()


@pytest.fixture
def world(pool: Pool, tmp_path: Path) -> World:
    world = World(pool, tmp_path)
    world.forget()
    return world


@pytest.fixture
def mailing(pool: Pool, tmp_path: Path) -> World:
    """A world whose destination is mail to respondents."""
    world = World(pool, tmp_path, MAIL)
    world.forget()
    return world


@pytest.fixture
def api(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    opened = Api(world, monkeypatch)
    yield opened
    opened.close()
