"""Each gate, and which decision follows from it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from schemas.lifecycle import Moment
from schemas.scales import Metric
from services.scheduler.eligibility import Outcome, eligibility, next_due
from services.scheduler.facts import Facts, Occasion, Person, Terms
from services.scheduler.gates import gates
from services.scheduler.gates.fatigue import CLOCKS_APART
from services.scheduler.program import Channel, Program, Survey
from services.scheduler.triggers.happened import Trigger

PURCHASED_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
GAP = timedelta(days=180)
OVER = GAP + CLOCKS_APART
PROGRAM = Program(
    id="new_customer_nps",
    owner="Customer Success",
    goal="Learn how onboarding went.",
    metric=Metric.NPS,
    trigger=Trigger(lifecycle=(Moment.PURCHASED,), delay_days=30),
    channels=(Channel.EMAIL,),
    ask_within_days=30,
    survey=Survey(question="How likely?", follow_up_question="Why?", why_we_ask="You bought a month ago."),
)
OCCASION = Occasion(UUID(int=1), PURCHASED_AT)
DUE = next_due(PROGRAM, OCCASION, "p")
GIVES_UP = DUE + timedelta(days=30)
REACHABLE = Person("p", channels=frozenset({Channel.EMAIL}))


def facts(**about: object) -> Facts:
    return Facts(replace(REACHABLE, **about), OCCASION, Terms(GAP))  # type: ignore[arg-type] # fields of Person


def test_asks_thirty_days_after_the_purchase() -> None:
    assert datetime(2026, 3, 31, 9, 30, tzinfo=UTC) == DUE
    decision = eligibility(facts(), PROGRAM, DUE)
    assert decision.outcome is Outcome.ASKED
    assert decision.gate is None


@pytest.mark.parametrize(
    ("about", "gate"),
    [
        ({"erased_at": PURCHASED_AT}, "erased"),
        ({"internal": True}, "internal"),
        ({"refuses_all": True}, "opted_out"),
        ({"refuses": frozenset({"new_customer_nps"})}, "opted_out"),
        ({"unsubscribed_at": PURCHASED_AT}, "opted_out"),
        ({"channels": frozenset[str]()}, "no_address"),
        ({"bounced": frozenset({Channel.EMAIL})}, "bounced"),
    ],
)
def test_a_fact_that_time_does_not_change_skips(about: dict[str, object], gate: str) -> None:
    decision = eligibility(facts(**about), PROGRAM, DUE)
    assert (decision.outcome, decision.gate, decision.next_eligible_at) == (Outcome.SKIPPED, gate, None)
    assert decision.fact


def test_refusing_another_program_does_not_matter() -> None:
    assert eligibility(facts(refuses=frozenset({"other"})), PROGRAM, DUE).outcome is Outcome.ASKED


def test_the_gap_ends_to_the_instant() -> None:
    asked_before = facts(last_contact_at=DUE - OVER)
    assert eligibility(asked_before, PROGRAM, DUE).outcome is Outcome.ASKED
    a_moment_early = eligibility(asked_before, PROGRAM, DUE - timedelta(microseconds=1))
    assert (a_moment_early.outcome, a_moment_early.gate) == (Outcome.POSTPONED, "fatigue")


def test_a_gap_that_ends_in_time_postpones_until_then() -> None:
    last = DUE - OVER + timedelta(days=10)
    decision = eligibility(facts(last_contact_at=last), PROGRAM, DUE)
    assert decision.outcome is Outcome.POSTPONED
    assert decision.next_eligible_at == DUE + timedelta(days=10)
    assert decision.fact == {"last_contact_at": last.isoformat(), "gap_days": 180}


def test_a_gap_that_ends_too_late_skips_and_says_when_it_ends() -> None:
    decision = eligibility(facts(last_contact_at=GIVES_UP - OVER), PROGRAM, DUE)
    assert (decision.outcome, decision.gate) == (Outcome.SKIPPED, "fatigue")
    assert decision.next_eligible_at == GIVES_UP


def test_an_occasion_is_given_up_sixty_days_after_the_purchase() -> None:
    assert eligibility(facts(), PROGRAM, GIVES_UP - timedelta(microseconds=1)).outcome is Outcome.ASKED
    late = eligibility(facts(), PROGRAM, GIVES_UP)
    assert (late.outcome, late.gate) == (Outcome.SKIPPED, "expired")


def test_the_reason_named_is_the_persons_wish_before_anything_else() -> None:
    everything = facts(refuses_all=True, channels=frozenset(), last_contact_at=DUE)
    assert eligibility(everything, PROGRAM, GIVES_UP).gate == "opted_out"


def test_gates_are_found_and_ordered() -> None:
    assert [name for name, _ in gates()] == [
        "paused",
        "erased",
        "internal",
        "opted_out",
        "audience",
        "no_address",
        "bounced",
        "once",
        "hold_out",
        "sample",
        "tenure",
        "fatigue",
        "outranked",
        "quiet",
        "trouble",
        "expired",
        "account",
        "hours",
        "quota",
        "daily_cap",
    ]
