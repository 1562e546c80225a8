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


def _placed(asked: Wanted, before: StoredEffect | None, facts: Facts, plugin: AnyPlugin) -> Wanted:
    if plugin.in_place is None or before is None or not (before.known.is_outside or before.is_pending):
        return asked
    if before.known.destination != asked.destination or not before.known.content:
        return asked
    model = plugin.content
    was = model.model_validate(before.known.content)
    content = plugin.in_place(was, model.model_validate_json(asked.content))
    if content is None:
        return replace(asked, content=json.dumps(before.known.content))
    return replace(
        asked,
        content=content.model_dump_json(),
        order_key=plugin.order_key(content, facts),
        rate_key=plugin.rate_key(content),
    )
