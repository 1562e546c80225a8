"""What comes after a survey went out: the next channel, reminders, or a released clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from schemas.requests import SurveyRequested
from services.scheduler.audience import Known
from services.scheduler.course import Asked, Next, Step, after, next_step
from services.scheduler.facts import Occasion, Person
from services.scheduler.programs import Programs, parse_programs
from services.scheduler.rounds import survey_request

FRIDAY = datetime(2026, 3, 6, 12, tzinfo=UTC)
EVERYWHERE = Person("ann", channels=frozenset({"in_app", "email", "webhook"}))
IN_APP_ONLY = replace(EVERYWHERE, channels=frozenset({"in_app"}))


def programs(more: str = "", head: str = "") -> Programs:
    return parse_programs(
        f"""
{head}
programs:
  - id: program
    owner: Customer Success
    goal: Learn.
    metric: nps
    trigger: {{ lifecycle: purchased }}
    channels: [in_app, email]
    fallback_after_days: 4
    reminders: {{ after_days: [3, 8] }}
    answer_within_days: 20
    {more}
    survey: {{ question: "How likely?", follow_up_question: "Why?", why_we_ask: You bought. }}
""",
        name="programs.yaml",
    )


AT_ANY_HOUR = programs()


def request(file: Programs = AT_ANY_HOUR, **changes: object) -> SurveyRequested:
    occasion = Occasion(UUID(int=1), FRIDAY)
    return survey_request(file.programs[0], EVERYWHERE, occasion, FRIDAY).model_copy(update=changes)


def coming(
    asked: Asked, person: Person = EVERYWHERE, file: Programs = AT_ANY_HOUR, now: datetime = FRIDAY
) -> Step:
    (program,) = file.programs
    return next_step(asked, program, person, file.terms(program, person, Known(person, now)), now)


def later(days: float) -> datetime:
    return FRIDAY + timedelta(days=days)


ASKED = Asked(request(), FRIDAY)
BY_MAIL = Asked(request(channel="email"), FRIDAY)


def test_what_nobody_saw_goes_on_by_the_next_channel_that_reaches_the_person() -> None:
    assert coming(ASKED) == Step(Next.FALL_BACK, later(4), "email")
    assert coming(ASKED, replace(EVERYWHERE, bounced=frozenset({"email"}))) == Step(Next.REMIND, later(3))


@pytest.mark.parametrize(("reminder", "days"), [(0, 3), (1, 8)])
def test_who_did_not_answer_is_reminded_on_the_programs_days(reminder: int, days: int) -> None:
    asked = replace(BY_MAIL, request=request(channel="email", reminder=reminder))
    assert coming(asked) == Step(Next.REMIND, later(days))


def test_nobody_is_reminded_more_often_than_the_program_says() -> None:
    assert coming(replace(BY_MAIL, request=request(channel="email", reminder=2))).what is Next.NOTHING


def test_what_was_seen_is_reminded_of_where_it_was_seen() -> None:
    assert coming(replace(ASKED, seen_at=later(1))) == Step(Next.REMIND, later(3))


@pytest.mark.parametrize(
    "person",
    [
        replace(EVERYWHERE, refuses_all=True),
        replace(EVERYWHERE, refuses=frozenset({"program"})),
        replace(EVERYWHERE, unsubscribed_at=FRIDAY),
        replace(EVERYWHERE, erased_at=FRIDAY),
    ],
    ids=["opted out", "opted out of this one", "unsubscribed", "erased"],
)
def test_who_wants_no_more_surveys_hears_no_more_of_this_one(person: Person) -> None:
    assert coming(ASKED, person).what is Next.NOTHING


def test_what_is_over_or_belongs_to_no_program_is_left_alone() -> None:
    assert coming(replace(ASKED, is_over=True)).what is Next.NOTHING
    assert next_step(ASKED, None, EVERYWHERE, None, FRIDAY).what is Next.NOTHING


def test_a_closed_survey_is_not_repeated() -> None:
    assert coming(BY_MAIL, now=later(20)).what is Next.NOTHING
    assert coming(BY_MAIL, now=later(19)) == Step(Next.REMIND, later(19))


def test_reminders_keep_to_the_hours_in_which_people_may_hear_from_us() -> None:
    """Monday and Tuesday are quiet, so Monday noon becomes Wednesday morning; nights are left out."""
    head = """
hours: {}
quiet: [{ from: 2026-03-09, until: 2026-03-10, why: Release freeze }]
"""
    file = programs(head=head)
    wednesday_nine = datetime(2026, 3, 11, 9, tzinfo=UTC)
    assert coming(BY_MAIL, file=file) == Step(Next.REMIND, wednesday_nine)
    at_night = datetime(2026, 3, 12, 22, tzinfo=UTC)
    assert coming(BY_MAIL, file=file, now=at_night).at == datetime(2026, 3, 13, 9, tzinfo=UTC)


def test_a_bounce_goes_on_with_the_next_channel_at_once_else_the_clock_is_released() -> None:
    bounced = replace(ASKED, undelivered="bounced")
    assert coming(bounced) == Step(Next.FALL_BACK, FRIDAY, "email")
    assert coming(bounced, IN_APP_ONLY) == Step(Next.RELEASE, FRIDAY)
    assert coming(replace(ASKED, undelivered="suppressed")) == Step(Next.RELEASE, FRIDAY)
    assert next_step(bounced, None, EVERYWHERE, None, FRIDAY) == Step(Next.RELEASE, FRIDAY)


def test_the_program_says_after_which_ends_the_person_may_be_asked_again() -> None:
    file = programs("releases_clock: [suppressed]")
    assert coming(replace(BY_MAIL, undelivered="bounced"), file=file).what is Next.NOTHING
    assert coming(replace(BY_MAIL, undelivered="suppressed"), file=file).what is Next.RELEASE


def test_what_was_seen_was_delivered_whatever_is_reported_later() -> None:
    seen = replace(ASKED, seen_at=later(1), undelivered="bounced")
    assert coming(seen) == Step(Next.REMIND, later(3))


def test_the_next_version_is_the_same_request() -> None:
    fallen_back = after(ASKED, Step(Next.FALL_BACK, later(4), "email"), later(4))
    assert (fallen_back.version, fallen_back.channel, fallen_back.reminder) == (2, "email", 0)
    reminded = after(replace(ASKED, request=fallen_back), Step(Next.REMIND, later(7)), later(7))
    assert (reminded.version, reminded.channel, reminded.reminder) == (3, "email", 1)
    assert {one.request_id for one in (ASKED.request, fallen_back, reminded)} == {ASKED.request.request_id}
    assert reminded.expires_at == ASKED.request.closes_at
