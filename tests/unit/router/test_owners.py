"""Whose customer somebody is."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.facts import OwnerFacts
from services.router.owners import owner_of
from services.router.people import Absence, People, Person, Team

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
AWAY = Absence.model_validate({"from": date(2026, 3, 1), "until": date(2026, 3, 3)})


def _person(id_: str, *, away: bool = False, teams: tuple[str, ...] = ("success",)) -> Person:
    absences = (AWAY,) if away else ()
    return Person(id=id_, name=id_.title(), email=f"{id_}@us.test", teams=teams, out_of_office=absences)


def _people(*persons: Person, default: str | None = None) -> People:
    return People({"success": Team(name="Success", default=default)}, {one.id: one for one in persons})


def _owner(people: People, *emails: str | None, key: str = "ann") -> OwnerFacts | None:
    return owner_of(key, emails, team="success", people=people, now=NOW)


def _id(owner: OwnerFacts | None) -> str | None:
    return owner.id if owner else None


@pytest.mark.parametrize(
    ("away", "expected"),
    [(set(), "csm"), ({"csm"}, "sales"), ({"csm", "sales"}, "member"), ({"csm", "sales", "member"}, "lead")],
)
def test_the_csm_then_the_account_owner_then_the_team_then_its_default(away: set[str], expected: str) -> None:
    people = _people(
        *(_person(one, away=one in away, teams=()) for one in ("csm", "sales", "lead")),
        _person("member", away="member" in away),
        default="lead",
    )
    assert _id(_owner(people, "CSM@us.test", "sales@us.test")) == expected


def test_an_address_that_is_not_in_the_file_is_an_owner_all_the_same() -> None:
    assert _owner(_people(_person("member")), None, "new@us.test") == OwnerFacts(email="new@us.test")


def test_nobody_is_found_where_nobody_is() -> None:
    assert _owner(_people()) is None
    assert owner_of("ann", (), team=None, people=_people(_person("member")), now=NOW) is None


@given(key=st.text(min_size=1), away=st.integers(0, 4))
def test_one_persons_absence_moves_nobody_elses_customers(key: str, away: int) -> None:
    everybody = [f"member_{number}" for number in range(5)]
    before = _id(_owner(_people(*map(_person, everybody)), key=key))
    after = _id(_owner(_people(*(_person(one, away=one == everybody[away]) for one in everybody)), key=key))
    assert after != everybody[away]
    assert before == everybody[away] or after == before


def test_customers_are_shared_out_evenly() -> None:
    people = _people(*(_person(f"member_{number}") for number in range(5)))
    shares = Counter(_id(_owner(people, key=f"customer {number}")) for number in range(2000))
    assert len(shares) == 5
    assert min(shares.values()) > 300
