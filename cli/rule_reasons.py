"""Why each rule did or did not do something for an answer. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from runtime.expressions import Condition
from services.router.admission import Occurrence
from services.router.effect import Wanted
from services.router.facts import VOCABULARY, Facts
from services.router.plan import Playbook, plan
from services.router.rules import Rule


class Fate(StrEnum):
    """What became of a rule."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    CANNOT_BE_TOLD = "cannot be told"
    NOT_LOOKED_AT = "was not looked at"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a condition: whether it is true (None: cannot be told), and the facts it looks at."""

    source: str
    holds: bool | None
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule with what became of it. `because` names the rule that stopped, or what is wrong."""

    rule: Rule
    fate: Fate
    because: str | None
    parts: tuple[Part, ...]
    actions: tuple[Wanted, ...]
    left_out: tuple[str, ...]
    """Actions it asks for that were not planned: another rule has them, or they are not due."""


def reasons(occurrence: Occurrence, facts: Facts, playbook: Playbook, now: datetime) -> Iterator[Reason]:
    """Every rule for this occasion, in the order of the file."""
    dumped = facts.model_dump(mode="json", exclude_none=True)
    planned = plan(occurrence, facts, playbook, now)
    asked = (*planned.wanted, *planned.shadowed)
    score = facts.response.score if facts.response else None
    verdicts = {one.rule.id: one for one in playbook.rules.evaluate(occurrence.occasion, facts)}
    stopped_by = None
    for rule in playbook.rules.rules:
        if rule.about is not occurrence.occasion:
            continue
        verdict = verdicts.get(rule.id)
        if verdict is None:
            yield Reason(rule, Fate.NOT_LOOKED_AT, stopped_by, (), (), ())
            continue
        actions = tuple(one for one in asked if one.rule == rule.id)
        parts = tuple(_part(source, dumped) for source in rule.condition.parts)
        error = planned.erred.get(rule.id)
        if verdict.error is not None:
            yield Reason(rule, Fate.CANNOT_BE_TOLD, error, parts, (), ())
            continue
        ids = {one.action for one in actions}
        left_out = [
            action.id for action in rule.asked(holds=verdict.holds, score=score) if action.id not in ids
        ]
        fate = Fate.HOLDS if verdict.holds else Fate.DOES_NOT_HOLD
        yield Reason(rule, fate, error, parts, actions, tuple(left_out))
        if verdict.holds and rule.stop and not rule.shadow:
            stopped_by = rule.id


def _part(source: str, dumped: Mapping[str, Any]) -> Part:
    condition = Condition(source, VOCABULARY)
    try:
        holds: bool | None = condition.holds(VOCABULARY.context(dumped))
    except ValueError:
        holds = None
    facts = tuple((f"{root}.{name}", _shown(dumped, root, name)) for root, name in condition.facts)
    return Part(source, holds, facts)


def _shown(dumped: Mapping[str, Any], root: str, name: str) -> str:
    known = dumped.get(root, {})
    return repr(known[name]) if name in known else "not known"
