"""people.yaml: who is who, and what is wrong with the file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from runtime.yaml_file import ConfigError
from services.router.people import People, load_people

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GOOD = """\
teams:
  cs: { name: CS, default: ann, manager: bob, time_zone: Europe/Berlin }
people:
  - id: ann
    name: Ann
    email: Ann@Acme.test
    teams: [cs]
    slack_user: U0ANN
    salesforce_user: 005000000000001AAA
    out_of_office: [{ from: 2026-12-24, until: 2026-12-24 }]
    time_zone: Asia/Tokyo
  - id: bob
    name: Bob
    email: bob@acme.test
    working_hours: { mon: 22:00-24:00 }
"""


def _load(tmp_path: Path, text: str) -> People:
    (tmp_path / "people.yaml").write_text(text)
    return load_people(tmp_path / "people.yaml")


def test_the_shipped_file_can_be_used() -> None:
    shipped = load_people(Path("deploy/config/people.yaml"))
    assert {"customer_success", "product", "support", "finance"} <= shipped.teams.keys()
    assert [one.id for one in shipped.members("customer_success")] == ["maya", "jonas", "aiko"]


def test_a_colleague_is_found_by_whatever_names_them(tmp_path: Path) -> None:
    people = _load(tmp_path, GOOD)
    ann = people.person("ann")
    assert ann is not None
    assert ann == people.by_email("ann@ACME.test") == people.by_slack_user("U0ANN")
    assert (
        ann == people.by_salesforce_user("005000000000001") == people.by_salesforce_user("005000000000001AAA")
    )
    assert people.by_email(None) is people.person("zoe") is None


def test_the_calendar_is_the_owners_then_the_teams(tmp_path: Path) -> None:
    people = _load(tmp_path, GOOD)
    assert people.calendar("ann", "cs").time_zone == "Asia/Tokyo"
    assert people.calendar(None, "cs").time_zone == people.calendar("gone", "cs").time_zone == "Europe/Berlin"
    assert people.calendar(None, "gone").time_zone == "UTC"


def test_missed_targets_go_to_the_manager_of_the_owner_or_of_the_team(tmp_path: Path) -> None:
    people = _load(tmp_path, GOOD)
    assert people.manager("ann", "cs", NOON) == people.person("bob")
    assert people.manager("bob", "gone", NOON) is None


_CHAIN = """\
teams:
  cs: { name: CS, manager: head }
people:
  - { id: ann, name: Ann, email: ann@acme.test, manager: bob }
  - { id: bob, name: Bob, email: bob@acme.test, manager: cleo%s }
  - { id: cleo, name: Cleo, email: cleo@acme.test, manager: ann%s }
  - { id: head, name: Head, email: head@acme.test%s }
"""
_AWAY = ", out_of_office: [{ from: 2026-03-02, until: 2026-03-02 }]"


@pytest.mark.parametrize(
    ("away", "told"),
    [
        (("", "", ""), "bob"),
        ((_AWAY, "", ""), "cleo"),
        ((_AWAY, _AWAY, ""), "head"),
        ((_AWAY, _AWAY, _AWAY), "bob"),
    ],
    ids=["there", "away", "both away", "nobody is there"],
)
def test_a_manager_who_is_away_is_passed_over_for_whoever_stands_above(
    tmp_path: Path, away: tuple[str, str, str], told: str
) -> None:
    assert _load(tmp_path, _CHAIN % away).manager("ann", "cs", NOON) == _load(tmp_path, _CHAIN % away).person(
        told
    )


@pytest.mark.parametrize(
    ("at", "away"),
    [
        ("2026-12-23T14:59:59+00:00", False),
        ("2026-12-23T15:00:00+00:00", True),
        ("2026-12-24T14:59:59+00:00", True),
        ("2026-12-24T15:00:00+00:00", False),
    ],
)
def test_somebody_is_away_on_the_days_where_they_are(tmp_path: Path, at: str, away: bool) -> None:
    ann = _load(tmp_path, GOOD).person("ann")
    assert ann is not None
    assert ann.is_away(datetime.fromisoformat(at).astimezone(UTC)) is away


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("manager: bob", "manager: zoe", "2: teams.cs.manager: there is no person with the id 'zoe'"),
        ("teams: [cs]", "teams: [sales]", "7: people.0.teams: there is no team called 'sales'"),
        ("id: bob", "id: ann", "12: people.1.id: 'ann' is given twice"),
        ("bob@acme.test", "ann@acme.test", "14: people.1.email: 'ann@acme.test' is given twice"),
        ("Asia/Tokyo", "Asia/Tokio", "11: people.0.time_zone: 'Asia/Tokio' is not a time zone"),
        ("22:00-24:00", "22-6 o'clock", "15: people.1.working_hours.mon: "),
        ("22:00-24:00", "22:00-06:00", "ends before it begins"),
        ("mon: 22:00-24:00", "", "names no working day"),
        ("until: 2026-12-24", "until: 2026-12-23", "10: people.0.out_of_office.0: ends before it begins"),
        (
            "name: CS,",
            "name: CS, holidays: DE-XX,",
            "2: teams.cs.holidays: no holidays are known for 'DE-XX'",
        ),
        ("name: CS,", "name: CS, colour: red,", "2: teams.cs.colour: is not known here"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as refused:
        _load(tmp_path, GOOD.replace(old, new))
    assert any(complaint in one for one in refused.value.complaints), refused.value.complaints
