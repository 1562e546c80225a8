"""May this person be asked now? Facts and a time in, a decision with its reason out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.scheduler.facts import Facts, Occasion
from services.scheduler.gates import Case, Fact, gates
from services.scheduler.program import Program


class Outcome(StrEnum):
    """What comes of an occasion."""

    ASKED = "asked"
    POSTPONED = "postponed"
    """Looked at again at `next_eligible_at`, and whenever the person's facts change."""
    SKIPPED = "skipped"
    """Looked at again only if the person's facts change before the program gives the occasion up."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and why."""

    outcome: Outcome
    gate: str | None = None
    """The gate that was shut; None when asked."""
    fact: Mapping[str, Fact] = field(default_factory=dict)
    """What shut it."""
    next_eligible_at: datetime | None = None
    """When the gate opens by itself, even if that is too late for this occasion; None: it does not."""


def next_due(program: Program, occasion: Occasion, person: str) -> datetime:
    """When a program asks a person about an occasion."""
    return program.due_at(occasion.occurred_at, person)


def eligibility(facts: Facts, program: Program, now: datetime) -> Decision:
    """Whether a person may be asked, now, about an occasion that has come due."""
    gives_up_at = program.gives_up_at(next_due(program, facts.occasion, facts.person.key))
    case = Case(facts, program, gives_up_at, now)
    for name, gate in gates():
        held = gate.check(case)
        if held is not None:
            in_time = held.opens_at is not None and held.opens_at < gives_up_at
            outcome = Outcome.POSTPONED if in_time else Outcome.SKIPPED
            return Decision(outcome, name, held.fact, held.opens_at)
    return Decision(Outcome.ASKED)
