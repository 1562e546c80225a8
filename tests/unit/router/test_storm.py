"""A channel takes so many people's cards in ten minutes; more go below one summary."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.storm import ACCOUNT_PEOPLE, WINDOW, Scope, Shown, Storm, scope_of, storm_of

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
EVERYBODY = Scope(None)


def _card(person: int, *, minutes_ago: float = 0, account: str | None = None) -> Shown:
    return Shown(f"person {person}", account, NOW - timedelta(minutes=minutes_ago))


def test_the_twenty_first_person_within_ten_minutes_makes_a_storm() -> None:
    recent = [_card(person, minutes_ago=9) for person in range(20)]
    assert scope_of(_card(20), recent[:19], 20) is None
    assert scope_of(_card(20), recent, 20) == EVERYBODY


def test_one_persons_many_answers_and_old_cards_are_no_storm() -> None:
    assert scope_of(_card(1), [_card(1)] * 50, 20) is None
    assert scope_of(_card(99), [_card(person, minutes_ago=10) for person in range(50)], 20) is None


def test_several_people_of_one_account_make_a_storm_of_their_account() -> None:
    recent = [_card(person, account="shop") for person in range(ACCOUNT_PEOPLE)]
    assert scope_of(_card(9, account="shop"), recent, 20) == Scope("shop")
    assert scope_of(_card(9, account="other"), recent, 20) is None
    assert scope_of(_card(9), recent, 20) is None


def test_nothing_collapses_where_it_is_switched_off() -> None:
    recent = [_card(person, account="shop") for person in range(500)]
    assert scope_of(_card(501, account="shop"), recent, 0) is None


@pytest.mark.parametrize(
    ("latest", "number"),
    [
        ([], 1),
        ([Storm(1, EVERYBODY, NOW - timedelta(minutes=9))], 1),
        ([Storm(1, EVERYBODY, NOW - WINDOW)], 2),
        ([Storm(1, Scope("shop"), NOW)], 2),
        ([Storm(3, EVERYBODY, NOW - WINDOW), Storm(4, Scope("shop"), NOW)], 5),
    ],
)
def test_a_storm_goes_on_until_nothing_came_for_a_window(latest: list[Storm], number: int) -> None:
    assert storm_of(EVERYBODY, NOW, latest) == Storm(number, EVERYBODY, NOW)


@given(
    moments=st.lists(st.tuples(st.integers(0, 3600), st.integers(0, 60)), max_size=80),
    people=st.integers(1, 10),
)
def test_no_channel_ever_shows_more_people_than_it_takes(moments: list[tuple[int, int]], people: int) -> None:
    shown: list[Shown] = []
    alone: list[Shown] = []
    for seconds, person in sorted(moments):
        card = Shown(f"person {person}", None, NOW + timedelta(seconds=seconds))
        if scope_of(card, shown, people) is None:
            alone.append(card)
        shown.append(card)
        window = {one.person_key for one in alone if card.at - WINDOW < one.at}
        assert len(window) <= people
