"""What every gate must do; a new one adds the facts that shut it to SHUT."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from runtime.business_hours import Calendar
from runtime.working_hours import OFFICE_HOURS
from services.scheduler.facts import (
    Account,
    AccountLimit,
    Around,
    Facts,
    Occasion,
    Person,
    Quiet,
    Terms,
    Waiting,
)
from services.scheduler.gates import Case, Gate, gates
from services.scheduler.program import Channel
from services.scheduler.programs import Programs, parse_programs

PROGRAM_TEXT = """
quiet_while: has(profile.traits.open_critical_case)
programs:
  - id: new_customer_nps
    owner: Customer Success
    goal: Learn how onboarding went.
    metric: nps
    trigger: { lifecycle: purchased, delay_days: 30 }
    audience: '!has(profile.role) || profile.role != "end_user"'
    channels: [email]
    gap: once
    sample_percent: { smb: 10 }
    quota: { enterprise: 3 }
    daily_cap: 20
    survey: { question: "How likely?", follow_up_question: "Why?", why_we_ask: You bought a month ago. }
"""
PROGRAMS: Programs = parse_programs(PROGRAM_TEXT, name="programs.yaml")
(PROGRAM,) = PROGRAMS.programs
DAY = timedelta(days=1)
BOUGHT = datetime(2026, 1, 4, 10, tzinfo=UTC)
DUE = PROGRAM.due_at(BOUGHT, "somebody")
GIVES_UP = PROGRAM.gives_up_at(DUE)
SOMEBODY = Person("somebody", channels=frozenset({Channel.EMAIL}))
TERMS = Terms(timedelta(days=180), quiet_while=PROGRAMS.quiet_while)
OPEN = Case(Facts(SOMEBODY, Occasion(UUID(int=1), BOUGHT), TERMS), PROGRAM, GIVES_UP, DUE)
SATURDAY = datetime(2026, 2, 7, 12, tzinfo=UTC)
assert SATURDAY.strftime("%A") == "Saturday"
OFFICE = Calendar("Europe/Berlin", OFFICE_HOURS.week)


def about(**changes: Any) -> Case:  # noqa: ANN401 - fields of a person
    return replace(OPEN, facts=replace(OPEN.facts, person=replace(SOMEBODY, **changes)))


def under(around: Around | None = None, **changes: Any) -> Case:  # noqa: ANN401 - fields of terms
    facts = replace(OPEN.facts, terms=replace(TERMS, **changes), around=around or Around())
    return replace(OPEN, facts=facts)


TODAY = Around(day=DUE.date(), asked_today=20, asked_today_by_program=20, asked_this_month_of_segment=3)
SHUT: dict[str, Case] = {
    "paused": under(Around(paused_at=BOUGHT)),
    "erased": about(erased_at=BOUGHT),
    "internal": about(internal=True),
    "opted_out": about(refuses_all=True),
    "audience": about(facts={"role": "end_user"}),
    "no_address": about(channels=frozenset()),
    "bounced": about(bounced=SOMEBODY.channels),
    "once": under(Around(asked_by=frozenset({PROGRAM.id}))),
    "hold_out": under(hold_out_percent=100),
    "sample": about(facts={"segment": "smb"}),
    "tenure": about(first_purchase_at=DUE - timedelta(days=20)),
    "fatigue": about(last_contact_at=DUE - timedelta(days=170)),
    "outranked": under(Around(waiting=(Waiting("renewal_nps", 30, DUE + 3 * DAY, DUE + 33 * DAY),))),
    "quiet": under(
        quiet=(
            Quiet(DUE - timedelta(days=1), DUE + timedelta(days=1), "Release freeze"),
            Quiet(DUE + timedelta(days=1), DUE + timedelta(days=2), "Holidays"),
        )
    ),
    "trouble": about(facts={"traits": {"open_critical_case": True}}),
    "expired": replace(OPEN, now=GIVES_UP),
    "account": replace(
        under(
            Around(account_asked_at=(DUE - timedelta(days=6), DUE - timedelta(days=2))),
            account_limit=AccountLimit(2, timedelta(days=7)),
        ),
        now=DUE,
    ),
    "hours": replace(under(hours=OFFICE), now=SATURDAY),
    "quota": replace(
        OPEN,
        facts=replace(OPEN.facts, person=replace(SOMEBODY, facts={"segment": "enterprise"}), around=TODAY),
    ),
    "daily_cap": under(TODAY),
}
every_gate = pytest.mark.parametrize(("name", "gate"), gates(), ids=[name for name, _ in gates()])


@every_gate
def test_is_open_for_somebody_without_a_history(name: str, gate: Gate) -> None:
    assert gate.check(OPEN) is None, name


@every_gate
def test_names_the_fact_that_shuts_it(name: str, gate: Gate) -> None:
    held = gate.check(SHUT[name])
    assert held is not None
    assert held.fact
    assert json.loads(json.dumps(dict(held.fact))) == held.fact


@every_gate
def test_is_open_at_the_time_it_names(name: str, gate: Gate) -> None:
    held = gate.check(SHUT[name])
    assert held is not None
    if held.opens_at is not None:
        assert gate.check(replace(SHUT[name], now=held.opens_at)) is None, name
        assert gate.check(replace(SHUT[name], now=held.opens_at - timedelta(microseconds=1))) is not None


def test_each_tells_its_reason_in_a_place_of_its_own() -> None:
    precedences = [gate.PRECEDENCE for _, gate in gates()]
    assert len(set(precedences)) == len(precedences)


def test_somebody_of_the_account_s_segment_counts_for_its_quota() -> None:
    person = replace(SOMEBODY, account=Account("acme", facts={"segment": "enterprise"}))
    assert person.segment == "enterprise"
    assert replace(person, facts={"segment": "smb"}).segment == "smb"
