"""Other tools are told the same figures as the pages show, and nobody without the key."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
from pydantic import SecretStr

from runtime.health import Health
from runtime.operator import Operator
from runtime.postgres import Pool
from schemas.scales import Metric
from services.insights import figures
from services.insights.app import http_app
from services.insights.counting import Counting
from services.insights.filters import Dimension, Filter
from services.insights.image import Images
from services.insights.source import Source
from tests.integration.insights.site import Still, at_work, live_a_quarter
from tests.integration.insights.world import UTC_ZONE, World, hour

KEY = "k" * 32
WANTED = {"from": "2026-03-21", "to": "2026-06-18"}
ROUTES = (
    "score",
    "distribution",
    "trend",
    "breakdown",
    "themes",
    "movement",
    "closed-loop",
    "retention",
    "response-rate",
    "response-cohorts",
    "journey",
)


@pytest.fixture(scope="module")
def lived(pool: Pool) -> Pool:
    world = World(pool)
    world.forget()
    live_a_quarter(world)
    return pool


@contextmanager
def client_of(pool: Pool, key: str | None = KEY) -> Iterator[httpx2.Client]:
    operator = Operator(SecretStr(key) if key else None, "INSIGHTS_API_KEY")
    app = http_app(Health(), Source(pool=pool, clock=Still(), zone=UTC_ZONE), operator)
    with (
        at_work(app) as address,
        httpx2.Client(base_url=f"{address}/v1/metrics", trust_env=False, timeout=30) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client(lived: Pool) -> Iterator[httpx2.Client]:
    with client_of(lived) as client:
        client.headers["authorization"] = f"Bearer {KEY}"
        yield client


def test_the_score_is_the_one_of_the_dashboard(client: httpx2.Client, lived: Pool) -> None:
    told = client.get("score", params=WANTED).json()
    wanted = Filter(Metric.NPS, hour(24).date(), hour(24 * 90).date())
    headline = figures.headline(Counting(Images(lived).newest()), wanted)
    assert told["score"]["value"] == headline.score.value
    assert told["score"]["margin"] == headline.score.margin
    assert told["score"]["tally"]["answers"] == headline.score.tally.answers > 700
    assert [one["stage"] for one in told["left_out"]] == ["lost", "prospect"]


def test_a_filter_narrows_and_parts_make_the_whole(client: httpx2.Client) -> None:
    everything = client.get("score", params=WANTED).json()["score"]["tally"]["answers"]
    rows = client.get("breakdown", params=WANTED | {"by": Dimension.ROLE}).json()
    assert sum(row["score"]["tally"]["answers"] for row in rows) == everything
    for row in rows:
        narrowed = client.get("score", params=WANTED | {"role": row["value"]}).json()
        assert narrowed["score"] == row["score"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("metric", Metric)
def test_every_figure_is_told_also_of_nothing(client: httpx2.Client, route: str, metric: Metric) -> None:
    for period in (WANTED, {"from": "2020-01-01", "to": "2020-01-31"}):
        assert client.get(route, params=period | {"metric": metric}).status_code == 200


def test_the_document_names_every_route_and_parameter(client: httpx2.Client) -> None:
    paths = client.get(client.base_url.copy_with(path="/openapi.json")).json()["paths"]
    assert set(paths) == {f"/v1/metrics/{route}" for route in ROUTES}
    for path in paths.values():
        named = {one["name"] for one in path["get"]["parameters"]}
        assert {"metric", "from", "to", *(one.value for one in Dimension)} <= named


@pytest.mark.parametrize(
    ("route", "asked"),
    [
        ("score", {"metric": "csi"}),
        ("score", {"from": "yesterday"}),
        ("trend", {"step": "year"}),
        ("breakdown", {"by": "shoe_size"}),
        ("response-rate", {"by": "theme"}),
    ],
)
def test_what_cannot_be_understood_is_named(client: httpx2.Client, route: str, asked: dict[str, str]) -> None:
    answer = client.get(route, params=asked)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == list(asked)


def test_nobody_is_told_without_the_key(lived: Pool) -> None:
    with client_of(lived) as stranger, client_of(lived, key=None) as closed:
        assert stranger.get("score").status_code == 401
        assert closed.get("score", headers={"authorization": "Bearer any"}).status_code == 503
