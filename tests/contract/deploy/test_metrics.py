"""Dashboards, alerts and metric catalogues speak of the same metrics."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

ROOT = Path(__file__).parents[3]
CATALOGUES = [
    "runtime.metrics",
    *(f"services.{path.parent.name}.metrics" for path in sorted((ROOT / "services").glob("*/metrics.py"))),
]
NAME = re.compile(r"\bfeedback_[a-z_]+")


def catalogued() -> set[str]:
    """Every series that the services expose, by name."""
    found = set()
    for catalogue in CATALOGUES:
        for metric in vars(import_module(catalogue)).values():
            if isinstance(metric, MetricWrapperBase):
                [family] = metric.describe()
                endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
                found |= {family.name + ending for ending in endings.get(family.type, [""])}
    return found


def queries(file: Path) -> list[str]:
    if file.suffix == ".json":
        dashboard = json.loads(file.read_text())
        return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    groups = yaml.safe_load(file.read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


FILES = [ROOT / "deploy/prometheus/alerts.yml", *(ROOT / "deploy/grafana/dashboards").glob("*.json")]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_metric_that_is_asked_for_exists(file: Path) -> None:
    asked = {name for query in queries(file) for name in NAME.findall(query)}
    assert asked
    assert asked <= catalogued()


def test_dashboards_use_the_data_source_that_is_provisioned() -> None:
    provisioned = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text()
    )
    uids = {source["uid"] for source in provisioned["datasources"]}
    for file in (ROOT / "deploy/grafana/dashboards").glob("*.json"):
        panels = json.loads(file.read_text())["panels"]
        used = {target["datasource"]["uid"] for panel in panels for target in panel["targets"]}
        assert used <= uids


def test_grafana_knows_how_often_is_scraped() -> None:
    provisioned = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text()
    )
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    assert (
        provisioned["datasources"][0]["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]
    )
