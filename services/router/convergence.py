"""The way from what the ledger holds to what is planned. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from services.router.effect import Effect, Wanted
from services.router.plan import Plan


@dataclass(frozen=True, slots=True)
class Changes:
    """What planning changes in the ledger; an effect in none of these stays as it is."""

    created: tuple[Wanted, ...]
    revised: tuple[Wanted, ...]
    withdrawn: tuple[str, ...]
    """Actions whose effect is no longer wanted."""


def converge(existing: Mapping[str, Effect], planned: Plan, rules: frozenset[str]) -> Changes:
    """The way from what the ledger holds to what is planned.

    An effect is withdrawn only if its rule still exists, could be evaluated and no longer asks for it:
    editing the file must not tear down what stands outside. Unchanged content is no change.
    """
    created, revised = [], []
    for asked in planned.wanted:
        effect = existing.get(asked.action)
        if effect is None:
            if planned.may_create:
                created.append(asked)
            continue
        is_same = effect.is_wanted and effect.content == json.loads(asked.content)
        if effect.has_ended or effect.destination != asked.destination or is_same:
            continue
        if effect.is_outside or planned.may_create:
            revised.append(asked)
    if not existing:
        return Changes(tuple(created), (), ())
    kept = {asked.action for asked in planned.wanted}
    settled = planned.settled(rules)
    stands = [
        effect
        for effect in existing.values()
        if effect.is_wanted and not effect.has_ended and effect.action not in kept
    ]
    withdrawn = [
        effect.action
        for effect in stands
        if planned.withdraw_all or effect.rule in settled or effect.action in planned.declined
    ]
    copies = [effect.action for effect in stands if effect.repeats in withdrawn]
    return Changes(tuple(created), tuple(revised), tuple(dict.fromkeys((*withdrawn, *copies))))
