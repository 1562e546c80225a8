"""What a life makes due."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from services.scheduler.facts import Account, Person
from services.scheduler.planning import LATE, Life, Planned, following, purchases, wanted
from services.scheduler.programs import Programs, parse_programs
from services.scheduler.triggers import Happening

AT = datetime(2026, 3, 1, tzinfo=UTC)
ACME = Account("acme", renewal_date=date(2026, 9, 1))
ANN = Person("ann", channels=frozenset({"email"}), account=ACME, facts={"role": "key_contact"})


def programs(trigger: str, more: str = "") -> Programs:
    return parse_programs(
        f"""
programs:
  - id: program
    owner: Customer Success
    goal: Learn.
    metric: nps
    trigger: {trigger}
    channels: [email]
    {more}
    survey: {{ question: "How likely?", follow_up_question: "Why?", why_we_ask: You bought. }}
""",
        name="programs.yaml",
    )


def happened(
    moment: str, *, person: str | None = "ann", account: str | None = None, days: float = 0
) -> Happening:
    return Happening(UUID(int=1), moment, AT + timedelta(days=days), person, account)


def plans(file: Programs, *happenings: Happening, person: Person = ANN, now: datetime = AT) -> list[Planned]:
    return wanted(Life(person, happenings), file, now)


AFTER_PURCHASE = programs("{ lifecycle: [purchased, renewed], delay_days: 30 }")


def test_what_happened_is_asked_about_after_the_delay() -> None:
    (plan,) = plans(AFTER_PURCHASE, happened("purchased"), happened("churned"))
    assert (plan.program, plan.person, plan.occasion.moment) == ("program", "ann", "purchased")
    assert plan.due_at == datetime(2026, 3, 31, tzinfo=UTC)
    assert plan.gives_up_at == plan.due_at + timedelta(days=30)


def test_what_is_long_over_is_history_and_what_is_just_over_is_explained() -> None:
    over = timedelta(days=60)
    assert len(plans(AFTER_PURCHASE, happened("purchased"), now=AT + over + LATE)) == 1
    assert plans(AFTER_PURCHASE, happened("purchased"), now=AT + over + LATE + timedelta(seconds=1)) == []


@pytest.mark.parametrize(
    ("role", "contacts", "asked"),
    [
        ("key_contact", "contacts: [key_contact, buyer]", True),
        ("end_user", "contacts: [key_contact, buyer]", False),
        ("end_user", "", True),
    ],
)
def test_what_happens_to_an_account_concerns_its_contacts(role: str, contacts: str, asked: bool) -> None:
    file = programs("{ lifecycle: churned }", contacts)
    person = replace(ANN, facts={"role": role})
    assert bool(plans(file, happened("churned", person=None, account="acme"), person=person)) is asked
    assert plans(file, happened("churned"), person=person), "one's own event concerns oneself"


def test_a_release_concerns_everybody_and_is_spread() -> None:
    file = programs("{ lifecycle: release_launched, delay_days: 5 }", "spread_days: 10")
    people = [replace(ANN, key=f"person{number}") for number in range(1_000)]
    release = happened("release_launched", person=None)
    days = [(plans(file, release, person=one)[0].due_at - AT) / timedelta(days=1) for one in people]
    assert all(5 <= day < 15 for day in days)
    for tenth in range(10):
        assert 60 < sum(5 + tenth <= day < 6 + tenth for day in days) < 140


def test_a_clock_has_one_turn_an_interval_and_people_have_different_ones() -> None:
    file = programs("{ every_days: 180 }")
    (first,) = plans(file)
    again = wanted(Life(ANN, (), [first.key]), file, AT)
    assert again[0] == first
    assert again[1] == following(file.programs[0], ANN, file, first)
    assert again[1].due_at - first.due_at == timedelta(days=180)
    due = sorted(plans(file, person=replace(ANN, key=f"person{n}"))[0].due_at for n in range(1_000))
    assert AT - timedelta(days=30) < due[0]
    assert due[-1] < AT + timedelta(days=180)
    assert max(later - earlier for earlier, later in pairwise(due)) < timedelta(days=3)


def test_a_turn_that_is_over_is_not_caught_up() -> None:
    file = programs("{ every_days: 180 }")
    (turn,) = plans(file)
    (later,) = plans(file, now=turn.gives_up_at)
    assert later.due_at - turn.due_at == timedelta(days=180)


def test_turns_are_planned_for_the_audience_only_unless_time_may_bring_them_in() -> None:
    role = programs("{ every_days: 180 }", 'audience: profile.role == "end_user"')
    assert plans(role) == []
    assert len(plans(role, person=replace(ANN, facts={"role": "end_user"}))) == 1
    tenure = programs("{ every_days: 180 }", "audience: history.days_as_customer > 700")
    assert len(plans(tenure)) == 1
    assert plans(programs("{ every_days: 180 }"), person=replace(ANN, internal=True)) == []


def test_a_renewal_is_asked_about_before_it_and_another_date_is_another_occasion() -> None:
    file = programs("{ before_renewal_days: 60 }", "contacts: [key_contact]")
    (plan,) = plans(file)
    assert plan.due_at == datetime(2026, 7, 3, tzinfo=UTC)
    assert plan.occasion.context == {"renewal_date": "2026-09-01"}
    moved = replace(ANN, account=replace(ACME, renewal_date=date(2026, 10, 1)))
    (later,) = plans(file, person=moved)
    assert later.key != plan.key
    assert later.due_at - plan.due_at == timedelta(days=30)
    assert plans(file, person=replace(ANN, facts={"role": "end_user"})) == []
    assert plans(file, person=replace(ANN, account=None)) == []


def test_dates_come_every_year_and_the_leap_day_too() -> None:
    file = programs('{ dates: ["02-29", "09-01"] }')
    (first,) = plans(file)
    days = [first.due_at.date()]
    turn = first
    for _ in range(4):
        following_turn = following(file.programs[0], ANN, file, turn)
        assert following_turn is not None
        turn = following_turn
        days.append(turn.due_at.date())
    assert days == [
        *(date(2026, 2, 28), date(2026, 9, 1), date(2027, 2, 28), date(2027, 9, 1), date(2028, 2, 29)),
    ]


def test_purchases_are_counted_from_what_stands() -> None:
    assert purchases([happened("purchased", days=3), happened("purchased"), happened("renewed")]) == (2, AT)
    assert purchases([]) == (0, None)
