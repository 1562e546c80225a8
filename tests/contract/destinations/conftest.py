"""The doubles in a process of their own, and every destination connected to them by its real client."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from runtime.settings import read
from sandbox.client import Credentials, RunningSandbox
from services.router.destination import Destination
from services.router.destination_settings import read_destinations
from services.router.plugins import discover
from tests.contract.destinations.world import PLUGINS, Connect


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    log = tmp_path_factory.mktemp("sandbox") / "sandbox.log"
    with RunningSandbox.start(Credentials.generate(), log=log) as running:
        yield running


@pytest.fixture
def world(sandbox: RunningSandbox) -> Iterator[httpx2.Client]:
    """The sandbox's own API, with nothing received, no faults and generous limits."""
    with httpx2.Client(base_url=sandbox.url, timeout=10) as client:
        client.delete("/received").raise_for_status()
        client.delete("/faults").raise_for_status()
        client.put("/limits", json={"factor": 1000}).raise_for_status()
        yield client


@pytest.fixture
def connect(
    sandbox: RunningSandbox, world: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Connect]:
    """Connects the destination of a name to the doubles, which have received nothing."""
    del world  # only cleared
    webhook = sandbox.credentials.for_webhook(sandbox.url, "crm")
    for name, value in {**sandbox.router_environment, **webhook}.items():
        monkeypatch.setenv(name, value)
    connected: list[Destination] = []

    def by_name(name: str) -> Destination:
        settings = read_destinations(Path("deploy/config/destinations.yaml"), discover())
        # A kind that has names takes part under its own.
        given = settings[name].settings() if name in settings else read(PLUGINS[name].settings)
        destination = PLUGINS[name].connect(given)
        assert not isinstance(destination, str), destination
        connected.append(destination)
        return destination

    yield by_name
    for destination in connected:
        destination.close()


@pytest.fixture
def disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of any destination in the environment."""
    for name in list(os.environ):
        if name.startswith(
            ("SLACK_", "SALESFORCE_", "SMTP_", "MAIL_", "MARKETING_", "HEALTH_", "WEBHOOK_", "ISSUES_")
        ):
            monkeypatch.delenv(name)
