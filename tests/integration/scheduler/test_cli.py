"""`feedback programs simulate, pause, resume` and `feedback schedule` on the scheduler's tables."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli import schedule
from cli.app import app
from cli.terminal import console
from services.ingest.identity import customer_key
from tests.integration.scheduler.world import EPOCH, PROGRAM, World, profile, purchased

CONFIG = Path("sandbox/sample")
KEY_BY = "only these tests make person keys by it"
ANN = customer_key(KEY_BY.encode(), "c-ann")


def days_ago(days: float) -> float:
    """As the world counts."""
    return (datetime.now(UTC) - EPOCH) / timedelta(days=1) - days


@pytest.fixture
def at_work(world: World, tables: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """Somebody was asked five days ago about the first of two purchases; somebody else is asked in five."""
    monkeypatch.setenv("DATABASE_URL", tables)
    monkeypatch.setenv("PERSON_KEY_SECRET", KEY_BY)
    world.say(
        profile(ANN, customer_id="c-ann", email="ann@shop.test"),
        profile("b0b", email="bob@shop.test"),
        purchased(ANN, days_ago(40)),
        purchased(ANN, days_ago(38), number=2),
        purchased("b0b", days_ago(25)),
    )
    world.work_until(days_ago(5))
    return world


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def row(output: str, first: str) -> list[str]:
    """The cells of the table's line that begins so."""
    (line,) = [line for line in output.splitlines() if line.strip(" │").startswith(first)]
    return [cell.strip() for cell in line.split("│")[1:-1]]


@pytest.mark.parametrize("person", ["c-ann", "ann@shop.test", "Ann@Shop.test ", ANN])
def test_explains_by_customer_id_by_address_and_by_key(
    at_work: World, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", 80)  # as of a pipe
    done = run("schedule", "explain", person)
    assert done.exit_code == 0, done.output
    assert "fatigue: gap_days = 180" in done.output
    assert at_work.reasons(ANN) == [("asked", None), ("skipped", "fatigue")]


@pytest.mark.usefixtures("at_work")
def test_explains_one_program_alone_and_says_when_there_is_nothing() -> None:
    assert run("schedule", "explain", "c-ann", "--program", PROGRAM).exit_code == 0
    nothing = run("schedule", "explain", "c-ann", "--program", "another")
    assert nothing.exit_code == 1
    assert "Nothing was decided and nothing is planned" in nothing.output


@pytest.mark.usefixtures("at_work")
def test_forecasts_who_is_asked_on_which_day_and_what_a_pause_holds_back() -> None:
    done = run("schedule", "forecast", "--dir", str(CONFIG))
    assert done.exit_code == 0, done.output
    assert row(done.output, PROGRAM)[:2] == [PROGRAM, "1"]
    asked_on = datetime.now(UTC) + timedelta(days=5)
    assert row(done.output, f"{asked_on:%a %Y-%m-%d}")[1] == "1"
    assert "0 surveys in all" in run("schedule", "forecast", "--days", "3", "--dir", str(CONFIG)).output

    assert f"{PROGRAM} is paused" in run("programs", "pause", PROGRAM, "--dir", str(CONFIG)).output
    paused = run("schedule", "forecast", "--dir", str(CONFIG)).output
    assert row(paused, PROGRAM) == [PROGRAM, "0", "paused 1"]
    resumed = run("programs", "resume", PROGRAM, "--dir", str(CONFIG))
    assert f"{PROGRAM} goes on; " in resumed.output


def test_a_forecast_of_much_work_plays_a_part_and_counts_for_all(
    at_work: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [f"{number:032x}" for number in range(200)]
    at_work.say(*(profile(person, email=f"{person}@shop.test") for person in people))
    at_work.say(*(purchased(person, days_ago(25)) for person in people))
    exact = run("schedule", "forecast", "--dir", str(CONFIG)).output
    assert row(exact, PROGRAM)[:2] == [PROGRAM, "201"]
    monkeypatch.setattr(schedule, "EXACT_UP_TO", 50)
    estimated = run("schedule", "forecast", "--dir", str(CONFIG)).output
    assert "Estimated from one account in 5." in estimated
    [_, count, *_] = row(estimated, PROGRAM)
    assert int(count) % 5 == 0
    assert 150 < int(count) < 250, "the same people in every run"


def test_a_simulation_plays_the_past_with_a_changed_file_and_writes_nothing(
    at_work: World, tmp_path: Path
) -> None:
    before = [at_work.requested(), at_work.reasons(ANN), at_work.reasons("b0b")]
    text = (CONFIG / "programs.yaml").read_text()
    changed = tmp_path / "sooner.yaml"
    changed.write_text(text.replace("delay_days: 30", "delay_days: 10") + "    minimum_tenure_days: 0\n")
    done = run("programs", "simulate", "--since", "90d", "--against", str(changed), "--dir", str(CONFIG))
    assert done.exit_code == 0, done.output
    as_it_is, sooner = done.output.split(str(changed))
    assert row(as_it_is, PROGRAM) == [PROGRAM, "1", "fatigue 1"]
    assert row(sooner, PROGRAM) == [PROGRAM, "2", "fatigue 1"]
    assert [at_work.requested(), at_work.reasons(ANN), at_work.reasons("b0b")] == before


@pytest.mark.usefixtures("at_work")
def test_a_program_that_is_not_there_is_named_with_those_there_are(tmp_path: Path) -> None:
    shutil.copy(CONFIG / "programs.yaml", tmp_path)
    wrong = run("programs", "pause", "no_such_program", "--dir", str(tmp_path))
    assert wrong.exit_code == 2
    assert PROGRAM in wrong.output
