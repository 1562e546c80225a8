"""What conditions say of facts, remembered: what looks the same to a condition is put to it once. Pure.

To turn facts into CEL's own values and evaluate twenty short conditions took longer than all else that
planning decides. Most conditions look at two or three facts, which have a few values each.
"""

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

import cel

from runtime.expressions import Condition, read_by
from services.router.facts import VOCABULARY, Facts

REMEMBERED = 500
"""Outcomes kept of each condition."""
PERSONAL = frozenset(
    {"key", "customer_id", "name", "email", "phone", "comment", "masked_comment", "further_answers"}
)
"""Facts that hardly two answers share. A condition on their values is evaluated each time, so that nothing of
a person stays here.
"""

Outcome = bool | str
"""Whether a condition holds, or the reason why that cannot be told."""


class _Look(NamedTuple):
    """How a condition looks at a fact: at its value, or only whether it is known."""

    root: str
    member: str
    at_value: bool

    def at(self, facts: Facts) -> object:
        part = getattr(facts, self.root)
        value = None if part is None else getattr(part, self.member)
        if not self.at_value:
            return value is not None
        # Traits of 1, 1.0 and True are equal as keys, and not to a condition.
        return repr(value) if isinstance(value, dict) else value


class Outcomes:
    """The outcomes of several conditions for one answer or survey request after another."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._reads = read_by(conditions)
        places: dict[_Look, int] = {}
        self._conditions = [(one, _key(_looks(one), places), dict[object, Outcome]()) for one in conditions]
        self._looks = tuple(places)

    def of(self, facts: Facts) -> Iterator[Outcome]:
        """One outcome a condition, in their order."""
        seen = [look.at(facts) for look in self._looks]
        context: cel.Context | None = None
        for condition, key_of, known in self._conditions:
            key = key_of(seen) if key_of else None
            outcome = known.get(key)
            if outcome is None:
                context = context or self._context(facts)
                outcome = _outcome(condition, context)
                if len(known) >= REMEMBERED:
                    known.clear()
                if key_of:
                    known[key] = outcome
            yield outcome

    def _context(self, facts: Facts) -> cel.Context:
        return VOCABULARY.context(facts.model_dump(mode="json", exclude_none=True, include=self._reads))


def _outcome(condition: Condition, context: cel.Context) -> Outcome:
    try:
        return condition.holds(context)
    except ValueError as error:
        return str(error)


def _looks(condition: Condition) -> list[_Look]:
    weighs = condition.weighs
    return [
        _Look(root, member, member in weighs[root])
        for root, members in sorted(condition.reads.items())
        for member in sorted(members)
    ]


def _key(looks: Sequence[_Look], places: dict[_Look, int]) -> Callable[[Sequence[object]], object] | None:
    """Takes what a condition looks at from all that is looked at, whose `places` it adds to."""
    if not looks or any(look.at_value and look.member in PERSONAL for look in looks):
        return None
    return itemgetter(*(places.setdefault(look, len(places)) for look in looks))
