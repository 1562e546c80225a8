"""What is wanted now of objects that stand outside already, or may: they stay where they are. Pure."""

import json
from collections.abc import Mapping
from dataclasses import replace

from services.router.effect import StoredEffect, Wanted
from services.router.facts import Facts
from services.router.plan import Plan
from services.router.plugins import AnyPlugin


def in_place(
    planned: Plan, stored: Mapping[str, StoredEffect], facts: Facts, plugins: Mapping[str, AnyPlugin]
) -> Plan:
    """The plan with everything where a lost call would be looked for, whatever the rules say by now."""
    placed = (
        _placed(asked, stored.get(asked.action), facts, plugins[asked.destination])
        for asked in planned.wanted
    )
    return replace(planned, wanted=tuple(placed))


def with_copies(
    planned: Plan, stored: Mapping[str, StoredEffect], facts: Facts, plugins: Mapping[str, AnyPlugin]
) -> Plan:
    """The plan with what colleagues had shown in other places as well: it follows what it repeats."""
    wanted = {asked.action: asked for asked in planned.wanted}
    copies = []
    for one in stored.values():
        repeated = wanted.get(one.known.repeats or "")
        if repeated is not None and one.known.content:
            asked = repeated._replace(rule=one.known.rule, action=one.known.action)
            copies.append(_moved(asked, one, facts, plugins[one.known.destination]))
    return replace(planned, wanted=(*planned.wanted, *copies))


def _placed(asked: Wanted, before: StoredEffect | None, facts: Facts, plugin: AnyPlugin) -> Wanted:
    if plugin.in_place is None or before is None or not (before.known.is_outside or before.is_pending):
        return asked
    if before.known.destination != asked.destination or not before.known.content:
        return asked
    return _moved(asked, before, facts, plugin)


def _moved(asked: Wanted, before: StoredEffect, facts: Facts, plugin: AnyPlugin) -> Wanted:
    """What is asked for, in the place of what there is."""
    model = plugin.content
    was = model.model_validate(before.known.content)
    now = model.model_validate_json(asked.content)
    content = plugin.in_place(was, now) if plugin.in_place else now
    if content is None:
        return asked._replace(content=json.dumps(before.known.content))
    return asked._replace(
        content=content.model_dump_json(),
        order_key=plugin.order_key(content, facts),
        rate_key=plugin.rate_key(content),
    )
