"""Files into a running ingest: once, whatever interrupts it, and what is refused is beside the file."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from schemas.accounts import AccountChanged
from schemas.event import Effects
from schemas.lifecycle import LifecycleEventOccurred
from schemas.profiles import ProfileChanged
from schemas.responses import ResponseRecorded
from tests.integration.ingest.world import KEY, Ingest

ROWS = 2_500


@pytest.fixture(autouse=True)
def _address(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_URL", ingest.url)
    monkeypatch.setenv("FEEDBACK_API_KEY", KEY)


def imported(kind: str, file: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["import", kind, str(file), "--yes", *options])


def answers(ingest: Ingest, prefix: str) -> list[ResponseRecorded]:
    return [event for event in ingest.events(ResponseRecorded) if event.source_id.startswith(prefix)]


def test_answers_are_imported_once_and_alert_nobody(ingest: Ingest, tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    with file.open("w", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(["id", "score", "comment", "email", "created_at"])
        table.writerows(
            [
                f"i-{number}",
                11 if number % 100 == 99 else number % 11,
                "so-so, really",
                "d@x.example",
                "2026-01-02",
            ]
            for number in range(ROWS)
        )
    told = imported("history", file, "--metric", "nps")
    assert told.exit_code == 1
    assert f"{ROWS - 25} of {ROWS} rows were imported" in told.stdout
    with (tmp_path / "answers.csv.rejected.csv").open(newline="") as opened:
        rejected = list(csv.DictReader(opened))
    assert len(rejected) == 25
    assert (rejected[0]["row"], rejected[0]["id"], rejected[0]["score"]) == ("100", "i-99", "11")
    assert "/score: expected a whole number from 0 to 10" in rejected[0]["reason"]
    assert not list(tmp_path.glob("*.import.json"))

    imported("history", file, "--metric", "nps")
    found = answers(ingest, "i-")
    assert len({event.response_id for event in found}) == ROWS - 25
    assert {event.effects for event in found} == {Effects.RECORD}
    assert {event.order.revision for event in found} == {1_767_312_000_000}


def test_what_was_interrupted_goes_on(
    ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "more.jsonl"
    rows = [{"id": f"j-{number}", "metric": "ces", "score": 7} for number in range(ROWS)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows[:-1]) + "\n")

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        # After the first batch: what is behind it may have arrived, but nothing says so.
        patched.setattr("rich.progress.Progress.update", dies)
        stopped = imported("responses", file, "--alert")
    assert stopped.exit_code == 130
    assert "1000 rows are done; the same command goes on after them" in stopped.stderr
    kept = json.loads((tmp_path / "more.jsonl.import.json").read_text())
    assert kept["rows"] == 1_000

    told = imported("responses", file, "--alert")
    assert "Going on after row 1000" in told.stdout
    assert told.exit_code == 0
    found = answers(ingest, "j-")
    assert {event.source_id for event in found} == {f"j-{number}" for number in range(ROWS - 1)}
    assert {event.effects for event in found} == {Effects.DELIVER}


def test_people_are_imported(ingest: Ingest, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "customer id,email,name\n"
        + "".join(f"imp-{number},p{number}@x.example,Person {number}\n" for number in range(300))
        + "imp-bad,no address,Nobody\n"
    )
    told = imported("profiles", file)
    assert "300 of 301 rows were imported" in told.stdout, told.output
    states = {event.customer_id: event for event in ingest.events(ProfileChanged) if event.customer_id}
    assert {f"imp-{number}" for number in range(300)} <= states.keys()
    one = states["imp-7"]
    last = next(event for event in ingest.events(ProfileChanged) if event.person_key == one.merged_from[0])
    assert last.merged_into == one.person_key


def test_accounts_and_their_moments_are_imported_and_repeated_as_the_same(
    ingest: Ingest, tmp_path: Path
) -> None:
    accounts, moments = tmp_path / "accounts.csv", tmp_path / "moments.csv"
    accounts.write_text("account id,name,arr\nimp-b,Bee,10\nimp-a,Ay,20\nimp-b,Bee,30\nimp-c,See,none\n")
    moments.write_text("event,account id,date\nrenewed,imp-a,2026-01-02\nchurned,imp-b,2026-01-03\n")
    for _ in range(2):
        told = imported("accounts", accounts)
        assert "3 of 4 rows were imported" in told.stdout, told.output
        assert imported("moments", moments).exit_code == 0
    states = [event for event in ingest.events(AccountChanged) if event.account_id.startswith("imp-")]
    versions = {(state.account_id, state.version): state.arr for state in states}
    # The file says two things of imp-b; the second time both are said anew, and imp-a's changes nothing.
    assert versions == {
        ("imp-a", 1): 20,
        ("imp-b", 1): 10,
        ("imp-b", 2): 30,
        ("imp-b", 3): 10,
        ("imp-b", 4): 30,
    }
    happened = [one for one in ingest.events(LifecycleEventOccurred) if one.account_id in {"imp-a", "imp-b"}]
    assert {(one.moment, one.account_id) for one in happened} == {("renewed", "imp-a"), ("churned", "imp-b")}
    assert len({one.lifecycle_id for one in happened}) == 2
    assert len({one.order.revision for one in happened}) == 2


def test_without_a_key_or_with_a_wrong_one_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("id,score\nk-1,3\n")
    monkeypatch.setenv("FEEDBACK_API_KEY", "fr_of_nobody")
    refused = imported("responses", file, "--metric", "nps")
    assert (refused.exit_code, "feedback keys create" in refused.stderr) == (1, True)
    monkeypatch.delenv("FEEDBACK_API_KEY")
    assert imported("responses", file, "--metric", "nps").exit_code == 2
