"""What every gate must do; a new one adds the facts that shut it to SHUT."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from runtime.yaml_file import load_yaml
from services.scheduler.facts import Facts, Occasion, Person
from services.scheduler.gates import Case, Gate, gates
from services.scheduler.programs import Channel, Programs

(PROGRAM,) = load_yaml(Path("deploy/config/programs.yaml"), Programs).programs
BOUGHT = datetime(2026, 1, 1, tzinfo=UTC)
DUE = PROGRAM.due_at(BOUGHT)
SOMEBODY = Person("somebody", channels=frozenset({Channel.EMAIL}))
OPEN = Case(Facts(SOMEBODY, Occasion(UUID(int=1), BOUGHT), timedelta(days=180)), PROGRAM, DUE)


def about(person: Person) -> Case:
    return replace(OPEN, facts=replace(OPEN.facts, person=person))


SHUT: dict[str, Case] = {
    "erased": about(replace(SOMEBODY, erased_at=BOUGHT)),
    "internal": about(replace(SOMEBODY, internal=True)),
    "opted_out": about(replace(SOMEBODY, refuses_all=True)),
    "no_address": about(replace(SOMEBODY, channels=frozenset())),
    "bounced": about(replace(SOMEBODY, bounced=SOMEBODY.channels)),
    "fatigue": about(replace(SOMEBODY, last_contact_at=DUE - timedelta(days=170))),
    "expired": replace(OPEN, now=PROGRAM.gives_up_at(BOUGHT)),
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
