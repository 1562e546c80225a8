from collections.abc import Iterator
from contextlib import closing

import pytest

from runtime.migrations import migrate
from tests.integration.ingest.world import Ingest


@pytest.fixture(scope="module")
def ingest(topics: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingest]:
    """The running service, ready."""
    migrate(database, "ingest")
    with closing(Ingest(topics, database, tmp_path_factory.mktemp("ingest"))) as running:
        yield running
