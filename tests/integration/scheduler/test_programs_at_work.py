"""Accounts, releases, dates, limits, pauses, other channels and reminders, on a real database."""

from collections import Counter
from datetime import date
from itertools import pairwise
from uuid import UUID

import pytest

from cli.scheduler_tables import pause, resume
from runtime.postgres import Pool
from schemas.accounts import AccountChanged
from schemas.lifecycle import Moment
from schemas.outcomes import OutcomeKind, OutcomeRecorded
from schemas.profiles import ProfileChanged
from schemas.requests import SurveyRequested
from schemas.survey_events import SurveyStep
from services.scheduler.programs import Programs, parse_programs
from tests.integration.scheduler.world import EPOCH, World, answered, day, profile, purchased, step


def programs(*bodies: str, head: str = "") -> Programs:
    survey = 'survey: { question: "How likely?", follow_up_question: "Why?", why_we_ask: You are here. }'
    common = f"owner: Somebody, goal: Learn., metric: nps, minimum_tenure_days: 0, {survey}"
    entries = "\n".join(f"  - {{ id: program{n}, {common}, {body} }}" for n, body in enumerate(bodies))
    return parse_programs(f"{head}\nprograms:\n{entries}\n", name="programs.yaml")


@pytest.fixture
def empty(pool: Pool) -> Pool:
    World(pool).forget()
    return pool


def account(version: int, renewal: date | None = None) -> AccountChanged:
    return AccountChanged(
        account_id="acme", version=version, changed_at=day(version), renewal_date=renewal, segment="smb"
    )


def contact(person: str, version: int = 1, role: str = "key_contact") -> ProfileChanged:
    return profile(person, version, account_id="acme", role=role, customer_id=person)


PURCHASED = "trigger: { lifecycle: purchased }, channels: [email]"
CHURNED = "trigger: { lifecycle: churned, delay_days: 1 }, contacts: [key_contact], channels: [email]"


def test_what_happens_to_an_account_reaches_its_contacts_whenever_they_are_heard_of(empty: Pool) -> None:
    world = World(empty, programs=programs(CHURNED))
    world.say(contact("ann"), contact("bob", role="end_user"))
    world.say(purchased(None, 0, moment=Moment.CHURNED, account="acme"))
    world.say(contact("eve"))
    world.work_until(2)
    assert sorted(world.asked()) == [("ann", 2), ("eve", 2)]
    world.say(contact("bob", 2))
    world.work_until(3)
    assert ("bob", 3) in world.asked()


def test_an_accounts_event_taken_back_withdraws_every_request(empty: Pool) -> None:
    world = World(empty, programs=programs(CHURNED))
    world.say(contact("ann"), contact("bob"), purchased(None, 0, moment=Moment.CHURNED, account="acme"))
    world.work_until(2)
    world.say(purchased(None, 0, revision=2, retracted=True, moment=Moment.CHURNED, account="acme"))
    assert {one.person_key for one in world.cancelled()} == {"ann", "bob"}


def test_an_event_that_was_about_somebody_else_moves(empty: Pool) -> None:
    world = World(empty, programs=programs(PURCHASED))
    world.say(profile("ann"), profile("bob"), purchased("ann", 100))
    moved = purchased("ann", 100, revision=2).model_copy(update={"person_key": "bob"})
    world.say(moved)
    world.work_until(101)
    assert [person for person, _ in world.asked()] == ["bob"]


def test_a_changed_renewal_date_plans_anew(empty: Pool) -> None:
    world = World(
        empty,
        programs=programs("trigger: { before_renewal_days: 60 }, contacts: [key_contact], channels: [email]"),
    )
    world.say(contact("ann"), account(1, date(2026, 5, 1)))
    world.say(account(2, date(2026, 7, 1)))
    world.say(account(1, date(2026, 4, 1)))
    asked_on = (date(2026, 7, 1) - EPOCH.date()).days - 60
    world.work_until(asked_on - 0.1)
    assert world.asked() == []
    world.work_until(asked_on)
    assert world.asked() == [("ann", asked_on)]


def test_a_release_reaches_everybody_once_also_those_heard_of_meanwhile(empty: Pool) -> None:
    release = "trigger: { lifecycle: release_launched, delay_days: 5 }, channels: [email], spread_days: 10"
    world = World(empty, programs=programs(release), batch_size=7)
    people = [f"person{number}" for number in range(40)]
    world.say(*(profile(person) for person in people[:20]))
    event = purchased(None, 0, moment=Moment.RELEASE_LAUNCHED)
    world.say(event, *(profile(person) for person in people[20:30]))
    world.say(*(profile(person) for person in people[30:]), event)
    for quarter in range(4, 80):
        world.work_until(quarter / 4)
    asked = world.asked()
    assert Counter(person for person, _ in asked) == Counter(people)
    assert all(5 <= on <= 15.5 for _, on in asked)
    assert len({on for _, on in asked}) > 15


def test_a_changed_programs_file_plans_everybody_anew(empty: Pool) -> None:
    before = World(empty, programs=programs("trigger: { lifecycle: churned }, channels: [email]"))
    before.say(profile("ann"), purchased("ann", 0))
    before.work_until(1)
    after = World(
        empty, programs=programs("trigger: { lifecycle: purchased, delay_days: 3 }, channels: [email]")
    )
    after.work_until(3)
    assert after.asked() == [("ann", 3)]


def test_turns_come_again_and_the_gap_holds_between_them(empty: Pool) -> None:
    world = World(empty, programs=programs("trigger: { every_days: 185 }, channels: [email]"))
    world.say(profile("ann"))
    for at in range(0, 800, 3):
        world.work_until(at)
    times = [on for _, on in world.asked()]
    assert 4 <= len(times) <= 5
    assert all(later - earlier >= 180 for earlier, later in pairwise(times))


def test_a_resolved_follow_up_is_asked_about_once(empty: Pool) -> None:
    won_back = "trigger: { follow_up: resolved, delay_days: 30 }, channels: [email], gap: once"
    world = World(empty, programs=programs(won_back))
    world.say(profile("ann"), answered("ann", 0))
    for number, at in enumerate((2, 50)):
        world.say(
            OutcomeRecorded(
                outcome_id=UUID(int=number),
                kind=OutcomeKind.RESOLVED,
                occurred_at=day(at),
                person_key="ann",
                subject=f"response:{number}",
            )
        )
    world.work_until(32)
    world.work_until(90)
    assert world.asked() == [("ann", 32)]
    assert world.reasons("ann")[-1] == ("skipped", "once")


def test_a_daily_cap_spreads_a_backlog_over_days(empty: Pool) -> None:
    world = World(
        empty,
        programs=programs(f"{PURCHASED}, daily_cap: 4"),
        batch_size=3,
    )
    world.say(*(profile(f"person{n}") for n in range(10)), *(purchased(f"person{n}", 0) for n in range(10)))
    for at in (1.5, 1.9, 2.1, 3.2):
        world.work_until(at)
    assert Counter(int(on) for _, on in world.asked()) == {1: 4, 2: 4, 3: 2}


def test_what_came_due_while_no_scheduler_ran_comes_by_day_and_in_portions(empty: Pool) -> None:
    by_day = ", ".join(f"{name}: 09:00-17:00" for name in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    world = World(
        empty,
        programs=programs(f"{PURCHASED}, daily_cap: 4", head=f"hours: {{ working_hours: {{ {by_day} }} }}"),
    )
    world.say(*(profile(f"person{n}") for n in range(10)), *(purchased(f"person{n}", n) for n in range(10)))
    midnight = 12 - (EPOCH.hour / 24)
    for days, hour in ((0, 2), (0, 12), (1, 3), (1, 12), (1, 16), (2, 10)):
        world.work_until(midnight + days + hour / 24)
    asked = Counter(request.requested_at for request in world.requested())
    assert {(at.day, at.hour): count for at, count in asked.items()} == {
        (day(midnight + days).day, hour): count for days, hour, count in ((0, 12, 4), (1, 12, 4), (2, 10, 2))
    }


def test_not_all_contacts_of_an_account_are_asked_at_once(empty: Pool) -> None:
    head = "fatigue: { per_account: { people: 2, within_days: 7 } }"
    world = World(empty, programs=programs(CHURNED, head=head))
    world.say(*(contact(f"person{n}") for n in range(5)))
    world.say(purchased(None, 0, moment=Moment.CHURNED, account="acme"))
    for at in (1, 4, 8, 15):
        world.work_until(at)
    assert Counter(on for _, on in world.asked()) == {1: 2, 8: 2, 15: 1}


def test_the_more_important_survey_is_asked(empty: Pool) -> None:
    world = World(
        empty,
        programs=programs(
            PURCHASED,
            "trigger: { lifecycle: purchased, delay_days: 10 }, channels: [email], priority: 5",
        ),
    )
    world.say(profile("ann"), purchased("ann", 0))
    world.work_until(1)
    world.work_until(10)
    assert [(request.program, request.requested_at) for request in world.requested()] == [
        ("program1", day(10))
    ]
    assert world.reasons("ann")[0] == ("postponed", "outranked")


def test_a_paused_program_asks_nobody_and_goes_on_where_it_was(empty: Pool) -> None:
    world = World(empty, programs=programs(PURCHASED))
    world.say(profile("ann"), purchased("ann", 0))
    with world.pool.connection() as connection:
        assert pause(connection, "program0", day(0))
        assert not pause(connection, "program0", day(1))
    world.work_until(2)
    assert world.reasons("ann") == [("skipped", "paused")]
    with world.pool.connection() as connection:
        assert resume(connection, "program0", day(3)) == 1
        assert resume(connection, "program0", day(3)) is None
    world.work_until(3)
    assert world.asked() == [("ann", 3)]


TWO_CHANNELS = (
    "trigger: { lifecycle: purchased }, channels: [in_app, email], fallback_after_days: 3,"
    " reminders: { after_days: [5] }"
)


def test_what_nobody_saw_goes_on_by_mail_and_is_repeated_once(empty: Pool) -> None:
    world = World(empty, programs=programs(TWO_CHANNELS))
    world.say(profile("ann", customer_id="ann"), purchased("ann", 0))
    for at in (0, 2.9, 3, 7.9, 8, 20):
        world.work_until(at)
    versions = world.requested()
    assert [(one.version, one.channel, one.reminder) for one in versions] == [
        *((1, "in_app", 0), (2, "email", 0), (3, "email", 1)),
    ]
    assert len({one.request_id for one in versions}) == 1
    assert [one.requested_at for one in versions] == [day(0), day(3), day(8)]


def test_what_was_seen_stays_where_it_is_and_what_was_answered_is_over(empty: Pool) -> None:
    world = World(empty, programs=programs(TWO_CHANNELS))
    world.say(
        *(profile(name, customer_id=name) for name in ("ann", "bob")),
        *(purchased(name, 0) for name in ("ann", "bob")),
    )
    world.work_until(0)
    of = {request.person_key: request for request in world.requested()}
    world.say(step(of["ann"], SurveyStep.SHOWN, 1), answered("bob", 1, request_id=of["bob"].request_id))
    world.work_until(20)
    later = world.requested()[2:]
    assert [(one.person_key, one.channel, one.reminder) for one in later] == [("ann", "in_app", 1)]


def test_a_bounce_goes_on_with_the_next_channel_at_once_and_the_clock_runs(empty: Pool) -> None:
    body = "trigger: { lifecycle: purchased }, channels: [email, in_app]"
    world = World(empty, programs=programs(body))
    world.say(profile("ann", customer_id="ann"), purchased("ann", 0), purchased("ann", 1, number=2))
    world.work_until(0)
    (request,) = world.requested()
    world.say(step(request, SurveyStep.BOUNCED, 0.5), step(request, SurveyStep.SENT, 0.1))
    world.work_until(2)
    assert [(one.version, one.channel) for one in world.requested()] == [(1, "email"), (2, "in_app")]
    assert world.reasons("ann")[-1] == ("skipped", "fatigue")


def test_who_declined_is_not_reminded(empty: Pool) -> None:
    world = World(empty, programs=programs(TWO_CHANNELS))
    world.say(profile("ann", customer_id="ann"), purchased("ann", 0))
    world.work_until(0)
    world.say(step(world.requested()[0], SurveyStep.DECLINED, 1))
    world.work_until(20)
    assert len(world.requested()) == 1


REMINDING = f"{PURCHASED}, ask_within_days: 40, reminders: {{ after_days: [5] }}"


def reminded(world: World) -> SurveyRequested:
    """Asked on day 0, reminded on day 5."""
    world.say(profile("ann"), purchased("ann", 0))
    for at in (0, 5):
        world.work_until(at)
    return world.requested()[-1]


def test_a_reminder_that_is_sent_is_no_survey_of_its_own(empty: Pool) -> None:
    world = World(empty, programs=programs(REMINDING))
    world.say(step(reminded(world), SurveyStep.SENT, 5.5), purchased("ann", 150, number=2))
    world.work_until(180.1)
    assert [(one.requested_at, one.reminder) for one in world.requested()] == [
        *((day(0), 0), (day(5), 1), (day(180.1), 0)),
    ]


def test_a_reminder_that_could_not_be_sent_does_not_release_the_clock(empty: Pool) -> None:
    world = World(empty, programs=programs(REMINDING))
    world.say(step(reminded(world), SurveyStep.SUPPRESSED, 5.5), purchased("ann", 10, number=2))
    world.work_until(11)
    assert world.reasons("ann")[-1] == ("skipped", "fatigue")


@pytest.mark.parametrize("shown", [(9, 20), (20, 9)])
def test_what_is_shown_first_after_a_reminder_runs_the_clock_from_then(
    empty: Pool, shown: tuple[int, int]
) -> None:
    in_app = REMINDING.replace("email", "in_app")
    world = World(empty, programs=programs(in_app))
    world.say(profile("ann", customer_id="ann"))
    request = reminded(world)
    world.say(*(step(request, SurveyStep.SHOWN, at) for at in shown))
    world.say(purchased("ann", 180, number=2))
    world.work_until(189)
    assert len(world.requested()) == 2
    world.work_until(189.1)
    assert len(world.requested()) == 3


def test_a_paused_program_reminds_when_it_goes_on(empty: Pool) -> None:
    world = World(empty, programs=programs(REMINDING))
    world.say(profile("ann"), purchased("ann", 0))
    world.work_until(0)
    with world.pool.connection() as connection:
        pause(connection, "program0", day(1))
    world.work_until(7)
    assert len(world.requested()) == 1
    with world.pool.connection() as connection:
        resume(connection, "program0", day(8))
    world.work_until(8)
    assert world.requested()[-1].reminder == 1


def test_an_answer_that_comes_through_the_vendor_who_asked_ends_the_request(empty: Pool) -> None:
    body = REMINDING.replace("email", "webhook")
    world = World(empty, programs=programs(body))
    world.say(profile("ann"), profile("bob"), purchased("ann", 0), purchased("bob", 0))
    world.work_until(0)
    world.say(answered("ann", 2), answered("bob", -1))
    world.work_until(20)
    assert [(one.person_key, one.reminder) for one in world.requested()[2:]] == [("bob", 1)]


def test_a_score_that_turns_out_to_be_a_scanners_ends_nothing(empty: Pool) -> None:
    world = World(empty, programs=programs(REMINDING))
    world.say(profile("ann"), purchased("ann", 0))
    world.work_until(0)
    (request,) = world.requested()
    score = answered("ann", 1, request_id=request.request_id).model_copy(update={"provisional": True})
    world.say(score)
    world.say(answered("ann", 1, revision=2, retracted=True, request_id=request.request_id))
    world.work_until(5)
    assert world.requested()[-1].reminder == 1


def test_a_merge_drops_plans_of_both_to_one_and_keeps_what_was_asked(empty: Pool) -> None:
    world = World(empty, programs=programs(CHURNED))
    world.say(contact("ann"), contact("visitor"))
    world.say(purchased(None, 0, moment=Moment.CHURNED, account="acme"))
    world.work_until(1)
    assert len(world.asked()) == 2
    world.say(profile("ann", 5, account_id="acme", role="key_contact", merged_from=("visitor",)))
    world.work_until(5)
    assert len(world.requested()) == 2
