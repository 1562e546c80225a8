"""`feedback rules backtest` and `explain` on a ledger."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from cli.playbook import load_playbook
from services.router.follow_up_commands import Change, Claim
from services.router.follow_up_desk import Desk
from services.router.follow_up_effects import Shown
from tests.integration.router.world import World, answer, profile

CONFIG = Path("deploy/config")
OTHER = """
rules:
  - id: everybody
    why: to see what it would mean
    when: has(response.score)
    do:
      - {id: first_card, destination: slack, channel: "#all"}
      - {id: second_card, destination: slack, channel: "#all"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "config"
    shutil.copytree(CONFIG, target)
    return target


@pytest.fixture
def planned(world: World, tables: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """A ledger with a detractor, a passive and a promoter under the shipped rules."""
    monkeypatch.setenv("DATABASE_URL", tables)
    world.playbook = load_playbook(CONFIG)
    world.project(*(profile(person) for person in ("ann", "bob", "cleo")))
    world.say(answer(2, person="ann"), answer(7, person="bob"), answer(10, person="cleo"))
    return world


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["rules", *arguments])


def _row(output: str, destination: str) -> list[int]:
    (line,) = [line for line in output.splitlines() if destination in line and "│" in line]
    return [int(cell) for cell in line.replace("┃", "│").split("│")[2:-1]]


def _claim_one(world: World) -> None:
    """Have a follow-up claimed, which is told below its card."""
    playbook = world.playbook
    assert playbook is not None
    desk = Desk(pool=world.pool, clock=world.clock, people=playbook.people, shown=Shown(playbook.plugins))
    ((subject,),) = world.ask("SELECT subject FROM follow_ups ORDER BY subject LIMIT 1")
    assert isinstance(desk.apply(subject, Claim(next(iter(playbook.people.persons)))), Change)
    ((told,),) = world.ask("SELECT count(*) FROM effects WHERE parent_subject IS NOT NULL")
    assert told > 0


def test_the_rules_in_force_change_nothing(planned: World, folder: Path) -> None:
    _claim_one(planned)
    before = planned.ask("SELECT subject, action, desired_version FROM effects ORDER BY 1, 2")
    done = _run("backtest", "--since", "520w", "--dir", str(folder))
    assert done.exit_code == 0, done.output
    assert "3 answers and surveys planned again" in done.output
    for destination in ("slack", "salesforce", "marketing", "email"):
        before_count, after_count, added, removed, *_ = _row(done.output, destination)
        assert (before_count, added, removed) == (after_count, 0, 0)
    assert planned.ask("SELECT subject, action, desired_version FROM effects ORDER BY 1, 2") == before


def test_another_file_is_compared_place_by_place(planned: World, folder: Path, tmp_path: Path) -> None:
    assert planned.count("plans") == 3
    other = tmp_path / "other.yaml"
    other.write_text(OTHER)
    done = _run("backtest", "--since", "520w", "--against", str(other), "--dir", str(folder))
    assert done.exit_code == 0, done.output
    before, after, added, removed, twice_before, twice_after = _row(done.output, "slack")
    assert (after, added, twice_after) == (6, 6, 3)
    assert (removed, twice_before) == (before, 0)
    assert _row(done.output, "salesforce")[1] == 0


def test_nothing_planned_is_nothing_to_compare(
    world: World, tables: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert world.count("plans") == 0
    monkeypatch.setenv("DATABASE_URL", tables)
    done = _run("backtest", "--since", "90d")
    assert "0 answers and surveys planned again" in done.output


def test_explain_reads_what_was_known_when_it_was_planned(planned: World, folder: Path) -> None:
    ((subject,),) = planned.ask("SELECT subject FROM plans WHERE facts->'response'->>'score' = '2'")
    done = _run("explain", subject.removeprefix("response:"), "--dir", str(folder))
    assert done.exit_code == 0, done.output
    assert "  → customer_success_card: slack" in done.output.splitlines()
    unknown = _run("explain", "7a6e3b58-5d63-4b53-9d0f-6f1f6f1f8a11", "--dir", str(folder))
    assert unknown.exit_code == 1
    assert "was never planned" in unknown.output


def test_a_database_that_does_not_answer_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    done = _run("backtest")
    assert done.exit_code == 1
    assert "PostgreSQL does not answer" in done.output
