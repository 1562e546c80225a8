"""Why somebody was asked or not stands on their page, told by the scheduler as it runs."""

from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from pydantic import SecretStr

from runtime.health import Health
from runtime.migrations import migrate
from runtime.operator import Operator
from runtime.postgres import open_pool
from sandbox.processes import free_port
from services.insights.scheduler_api import SchedulerApi
from services.insights.web.asking import GATES
from services.insights.web.settings import PageSettings
from services.scheduler import app as scheduler
from services.scheduler import gates
from services.scheduler.rounds import PROGRAM_REMOVED
from tests.integration.insights.site import at_work, page_settings, served, visitor
from tests.integration.insights.world import World, hour, profile

KEY = SecretStr("k" * 32)
_DECISIONS_SQL = """
INSERT INTO decisions (person, program, occasion, outcome, gate, fact, decided_at, next_eligible_at)
VALUES (%s, 'yearly_nps', %s, %s, %s, %s, %s, %s)
"""
_WORK_SQL = """
INSERT INTO due_work (program, occasion, person, occurred_at, due_at, look_at, gives_up_at, state)
VALUES ('renewal_nps', %s, %s, %s, %s, %s, %s, 'pending')
"""


def asking(url: str) -> PageSettings:
    return page_settings(scheduler_url=url, scheduler_operator_key=KEY)


@pytest.fixture
def ann(world: World) -> World:
    world.say(profile("ann", 0, name="Ann Lee"))
    return world


def test_decisions_and_what_is_planned_are_told_in_words(ann: World, database: str) -> None:
    migrate(database, scheduler.SERVICE)
    with open_pool(database, schema=scheduler.SERVICE, application="tests") as pool:
        with pool.connection() as connection:
            connection.execute("TRUNCATE decisions, due_work, people")
            connection.execute("INSERT INTO people (person, merged_into) VALUES ('old', 'ann')")
            fatigue = ("ann", uuid4(), "postponed", "fatigue", '{"gap_days": 180}', hour(1), hour(90))
            connection.execute(_DECISIONS_SQL, fatigue)
            connection.execute(_DECISIONS_SQL, ("ann", uuid4(), "asked", None, "{}", hour(2), None))
            connection.execute(_WORK_SQL, (uuid4(), "ann", hour(0), hour(48), hour(48), hour(400)))
        with (
            at_work(scheduler.http_app(Health(), pool, Operator(KEY, "KEY"))) as reasons,
            served(ann.pool, asking(reasons)) as address,
            visitor(address) as client,
        ):
            shown = client.get("/people/ann").text
            file = client.get("/tables/decisions.csv?about=ann").text
            refused = httpx2.get(f"{reasons}/v1/decisions", params={"person": "ann"})
            merged = SchedulerApi(reasons, KEY).reasons("old")
    assert refused.status_code == 401
    assert merged is not None
    assert len(merged.decisions) == 2, "of whom the key stands for now"
    assert shown.index("<td>Asked</td>") < shown.index("<td>Put off</td>"), "the newest first"
    assert "they were asked or answered too lately" in shown
    assert "gap days: 180" in shown
    assert "renewal nps looks at it on" in shown
    assert "/tables/decisions.csv?about=ann" in shown
    assert [line.split(",")[2] for line in file.splitlines()] == ["decision", "Asked", "Put off"]


def test_without_a_scheduler_the_page_is_there_and_says_so(ann: World) -> None:
    nowhere = asking(f"http://127.0.0.1:{free_port()}")
    with served(ann.pool, nowhere) as address, visitor(address) as client:
        answer = client.get("/people/ann")
    assert answer.status_code == 200
    assert "Ann Lee" in answer.text
    assert "The scheduler does not answer" in answer.text


def test_every_gate_has_its_words() -> None:
    files = {file.stem for file in Path(gates.__path__[0]).glob("*.py")} - {"__init__"}
    assert set(GATES) == files | {PROGRAM_REMOVED}
