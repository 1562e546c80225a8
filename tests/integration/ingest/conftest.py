from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runtime.migrations import migrate
from tests.integration.ingest.world import CONFIG_DIR, Ingest


@pytest.fixture(scope="module")
def config() -> Path:
    """The folder of the YAML files."""
    return CONFIG_DIR


@pytest.fixture(scope="module")
def ingest(
    topics: str, database: str, config: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ingest]:
    """The running service, ready."""
    migrate(database, "ingest")
    with closing(Ingest(topics, database, tmp_path_factory.mktemp("ingest"), config)) as running:
        yield running
