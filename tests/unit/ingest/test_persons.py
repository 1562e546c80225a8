"""Which keys are one person, whatever order it is told in."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.profiles import ProfileChanged
from services.ingest.identity import customer_key, email_key, visitor_key
from services.ingest.inputs import ProfileInput
from services.ingest.persons import Known, People, Statement, Strength, statement
from services.ingest.profiles import profile_without_surveys

SECRET = b"a secret"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def says(customer: str, **body: object) -> Statement:
    return statement(ProfileInput.model_validate_json(json.dumps(body)), customer, SECRET)


class Table:
    """What is stored, and every record that went out, as a projection would take them in."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.sent: dict[str, ProfileChanged] = {}

    def take(self, statements: Iterable[Statement], at: datetime = NOW) -> None:
        people = People(self.known)
        for said in statements:
            people.state(said, at)
        for state in people.changed():
            self.keep(state, people.strengths()[state.person_key])

    def refuse(self, key: str) -> None:
        known = self.known.get(key)
        while known and known.merged_into:
            key = known.merged_into
            known = self.known.get(key)
        state = profile_without_surveys(known.state if known else None, key, NOW)
        self.keep(state, known.strength if known else Strength.UNKNOWN)

    def keep(self, state: ProfileChanged, strength: Strength) -> None:
        before = self.sent.get(state.person_key)
        assert before is None or before == state or before.version < state.version
        self.known[state.person_key] = Known(strength, state)
        self.sent[state.person_key] = state

    def person(self, key: str) -> str:
        """Whom a projection takes a record of this key for."""
        known = self.sent.get(key)
        return known.merged_into if known and known.merged_into else key


def table(*statements: Statement) -> Table:
    made = Table()
    made.take(statements)
    return made


def test_an_answer_by_address_alone_is_the_customers() -> None:
    made = table(says("c-1", email="Dana@customer.example"))
    assert made.person(email_key(SECRET, "dana@customer.example")) == customer_key(SECRET, "c-1")
    [state] = [one for one in made.sent.values() if not one.merged_into]
    assert state.merged_from == (email_key(SECRET, "dana@customer.example"),)


def test_a_last_record_names_the_winner_and_nothing_personal() -> None:
    made = table(says("c-1", email="dana@customer.example", name="Dana", same_as=[{"visitor_id": "v-1"}]))
    last = made.sent[visitor_key(SECRET, "v-1")]
    told = last.model_dump(
        exclude_defaults=True, exclude={"person_key", "version", "changed_at", "merged_into"}
    )
    assert told == {}


def test_two_customers_who_share_an_address_stay_two() -> None:
    made = table(says("c-1", email="office@customer.example"), says("c-2", email="office@customer.example"))
    assert made.person(customer_key(SECRET, "c-1")) != made.person(customer_key(SECRET, "c-2"))
    assert made.person(email_key(SECRET, "office@customer.example")) == customer_key(SECRET, "c-1")


def test_a_duplicate_brings_what_it_refused_and_agreed_to() -> None:
    review = {"topic": "review", "wording": "You may.", "given_at": "2026-11-01T00:00:00Z"}
    made = table(
        says("c-1", name="Dana", consents=[review]),
        says("c-2", phone="030", opt_outs=[{"since": "2026-11-01T00:00:00Z"}], internal=True),
        says("c-3", same_as=[{"customer_id": "c-1"}, {"customer_id": "c-2"}]),
    )
    winner = min(customer_key(SECRET, one) for one in ("c-1", "c-2", "c-3"))
    state = made.sent[winner]
    assert {made.person(customer_key(SECRET, one)) for one in ("c-1", "c-2", "c-3")} == {winner}
    assert state.opted_out_of(None)
    assert [one.topic for one in state.consents] == ["review"]
    assert len(state.merged_from) == 2


def test_saying_it_again_changes_nothing() -> None:
    said = says("c-1", email="dana@customer.example", same_as=[{"visitor_id": "v-1"}, {"customer_id": "c-2"}])
    made = table(said)
    before = dict(made.sent)
    made.take([said], NOW + timedelta(days=1))
    assert made.sent == before


# Two persons: of each, two customer ids, two addresses and a visitor id.
PEOPLE = [
    {
        "customers": [f"c-{who}1", f"c-{who}2"],
        "emails": [f"{who}1@x.example", f"{who}2@x.example"],
        "visitor": f"v-{who}",
    }
    for who in ("a", "b")
]


def linking(person: dict[str, Any]) -> list[Statement]:
    """Statements that together make all identifiers one person."""
    first, second = person["customers"]
    return [
        says(first, email=person["emails"][0]),
        says(second, email=person["emails"][1]),
        says(first, email=person["emails"][0], same_as=[{"customer_id": second}]),
        says(second, same_as=[{"visitor_id": person["visitor"]}]),
    ]


def keys_of(person: dict[str, Any]) -> list[str]:
    return [
        *(customer_key(SECRET, one) for one in person["customers"]),
        *(email_key(SECRET, one) for one in person["emails"]),
        visitor_key(SECRET, person["visitor"]),
    ]


ACTS = [(said, None) for person in PEOPLE for said in linking(person)] + [
    (None, key) for person in PEOPLE for key in keys_of(person)[:3]
]


@given(order=st.permutations(ACTS), size=st.integers(1, 5))
def test_for_any_order_one_person_has_one_history(
    order: Sequence[tuple[Statement | None, str | None]], size: int
) -> None:
    made = Table()
    for first in range(0, len(order), size):
        turn = order[first : first + size]
        made.take([said for said, _ in turn if said is not None])
        for _, refused in turn:
            if refused is not None:
                made.refuse(refused)
    for person in PEOPLE:
        [winner] = {made.person(key) for key in keys_of(person)}
        assert winner == min(keys_of(person)[:2])
        state = made.sent[winner]
        assert set(state.merged_from) == set(keys_of(person)) - {winner}
        assert [out.program for out in state.opt_outs] == [None]
    assert len({made.person(key) for person in PEOPLE for key in keys_of(person)}) == 2
