"""Every query of the dashboard finds something in a Prometheus that scraped the product at work."""

import json
import math
import os
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Message
from sandbox.demo import configuration
from sandbox.processes import free_port, spawn, stop, wait_until
from sandbox.stack import SERVICES, Stack
from schemas.responses import ResponseRecorded

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "overview.json"
WITHIN_SECONDS = 60
# What Grafana would fill in, for a scrape every second.
FILLED_IN = {"$__rate_interval": "15s"}
SCORES = (2, 8, 10)


def panels() -> list[tuple[str, str]]:
    """Title and query of each line of each panel."""
    dashboard = json.loads(DASHBOARD.read_text())
    return [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]


class Prometheus:
    """A running server, asked as Grafana asks it."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url, timeout=10)

    def is_ready(self) -> bool:
        try:
            return self._client.get("/-/ready").is_success
        except httpx2.TransportError:
            return False

    def get(self, path: str, **parameters: str | float) -> Any:  # noqa: ANN401 - JSON of many forms
        return self._client.get(f"/api/v1/{path}", params=parameters).raise_for_status().json()["data"]

    def values(self, query: str) -> list[float]:
        """The numbers that a panel of the last two minutes would show."""
        for name, value in FILLED_IN.items():
            query = query.replace(name, value)
        now = time.time()
        found = self.get("query_range", query=query, start=now - 120, end=now, step=1)["result"]
        return [
            number for series in found for _, text in series["values"] if math.isfinite(number := float(text))
        ]

    def close(self) -> None:
        self._client.close()


def customer(client: httpx2.Client, number: int) -> None:
    """Somebody who bought a month ago, so that the survey is due now."""
    bought_at = datetime.now(UTC) - timedelta(days=31)
    name = f"dashboard-{number}"
    client.put(f"/v1/profiles/{name}", json={"email": f"{name}@customer.test"}).raise_for_status()
    event = {"source_id": name, "moment": "purchased", "occurred_at": bought_at.isoformat()}
    client.post("/v1/lifecycle-events", json=event | {"customer_id": name}).raise_for_status()


def wave(stack: Stack, client: httpx2.Client, number: int) -> None:
    """One answer of each group, one survey that comes due, one record that nobody can read."""
    customer(client, number)
    for score in SCORES:
        body = {
            "source_id": f"dashboard-{number}-{score}",
            "metric": "nps",
            "score": score,
            "respondent": {"email": f"dashboard-{number}-{score}@customer.test"},
        }
        client.post("/v1/responses", json=body).raise_for_status()
    to = producer(KafkaSettings(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], "tests"))
    assert deliver(to, [Message(ResponseRecorded.TOPIC, b"poison", b"not JSON", ())]) == [None]
    close(to)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    folder = tmp_path_factory.mktemp("stack")
    with Stack(folder, settings={"CONFIG_DIR": str(configuration(folder))}) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """The product's own configuration, with this machine's addresses and a scrape every second."""
    folder = tmp_path_factory.mktemp("prometheus")
    configuration = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(ROOT / "deploy/prometheus/alerts.yml")]
    for target in configuration["scrape_configs"][0]["static_configs"]:
        target["targets"] = [stack.url(target["labels"]["service"]).removeprefix("http://")]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    log = folder / "log"
    process = spawn(
        [
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        log=log,
        environment=dict(os.environ),
    )
    server = Prometheus(f"http://127.0.0.1:{port}")
    wait_until(server.is_ready, process, log=log, timeout_seconds=30)
    yield server
    server.close()
    stop(process, signal.SIGTERM)


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with httpx2.Client(
        base_url=stack.url("ingest"), headers={"Authorization": f"Bearer {stack.api_key}"}, timeout=30
    ) as opened:
        yield opened


def shows(prometheus: Prometheus, query: str) -> bool:
    """Whether a panel's line is there, and has moved where it shows an increase that it cannot do without."""
    values = prometheus.values(query)
    return any(values) if "increase(" in query and " or 0 *" not in query else bool(values)


@pytest.mark.long
@pytest.mark.timeout(240)
def test_no_panel_is_empty(stack: Stack, prometheus: Prometheus, client: httpx2.Client) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    number = 0
    while empty := [(title, query) for title, query in panels() if not shows(prometheus, query)]:
        assert time.monotonic() < deadline, empty
        # A rate takes two scrapes with something new between them.
        wave(stack, client, number)
        number += 1
        time.sleep(2)
    groups = prometheus.get("query", query="count by (group) (feedback_responses_classified_total > 0)")
    assert {"promoter", "passive", "detractor"} <= {one["metric"]["group"] for one in groups["result"]}
    ready = prometheus.get("query", query="feedback_ready")["result"]
    assert {(one["metric"]["service"], one["value"][1]) for one in ready} == {
        (name, "1") for name in (*SERVICES, "archive")
    }


def test_prometheus_evaluates_every_alert(prometheus: Prometheus) -> None:
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert rules
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}, rules
