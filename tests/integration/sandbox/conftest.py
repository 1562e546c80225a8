from collections.abc import Iterator

import httpx2
import pytest

from sandbox.client import Credentials, RunningSandbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    log = tmp_path_factory.mktemp("sandbox") / "sandbox.log"
    environment = {"DATABASE_URL": "", "INGEST_URL": "http://ingest.test/"}
    with RunningSandbox.start(Credentials.generate(), log=log, environment=environment) as running:
        yield running


@pytest.fixture
def world(sandbox: RunningSandbox) -> Iterator[httpx2.Client]:
    """The sandbox's own API, with nothing received, no faults and generous limits."""
    with httpx2.Client(base_url=sandbox.url, timeout=10) as client:
        client.delete("/received").raise_for_status()
        client.delete("/faults").raise_for_status()
        client.put("/limits", json={"factor": 1000}).raise_for_status()
        yield client
