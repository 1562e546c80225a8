"""The ledger's SQL for planning: what is known of a batch's subjects, and what planning writes. All in
batches.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from services.router import timer_store
from services.router.attempt import Outside
from services.router.destination import JsonObject
from services.router.plan import Effect, Parent, Standing, SubjectState, Wanted
from services.router.timer_store import Timer, TimerKind

Connection = psycopg.Connection[Any]

# Makes and locks the subjects' rows, in order, so that two planners of one subject follow one another.
_MAKE_SUBJECTS_SQL = """
INSERT INTO subjects (subject, person_key)
SELECT subject, person_key FROM unnest(%(subjects)b::text[], %(person_keys)b::text[]) AS given (subject,
person_key) ORDER BY subject ON CONFLICT DO NOTHING
"""
_LOCK_SUBJECTS_SQL = """
SELECT subject, highest, delivered_revision, cancelled FROM subjects
WHERE subject = ANY(%(subjects)s) ORDER BY subject FOR NO KEY UPDATE
"""

# The effects of subjects seen before, locked in order.
_EFFECTS_SQL = """
SELECT subject, action, effect_id, rule, destination, order_key, rate_key, content, wanted, outside,
desired_version, not_before, ended_by, parent_subject FROM effects WHERE subject = ANY(%(subjects)s)
ORDER BY subject, action FOR NO KEY UPDATE
"""

# Each subject's best known facts: those of the plan with the highest key.
_BEST_SQL = """
SELECT DISTINCT ON (subject) subject, standing, facts::text FROM plans
WHERE subject = ANY(%(subjects)s)
ORDER BY subject, revision DESC, tie DESC, mapping_version DESC, classification_version DESC
"""

_UPDATE_SUBJECTS_SQL = """
UPDATE subjects SET highest = given.highest::bigint[], delivered_revision = given.delivered, cancelled =
given.cancelled FROM unnest(%(subjects)b::text[], %(highest)b::text[], %(delivered)s::bigint[],
%(cancelled)s::boolean[]) AS given (subject, highest, delivered, cancelled) WHERE subjects.subject =
given.subject
"""

_WRITE_PLANS_SQL = """
INSERT INTO plans (subject, revision, tie, mapping_version, classification_version, effects, standing,
planned_at, rules_version, matched, erred, shadowed, facts) SELECT subject, revision, tie, mapping_version,
classification_version, effects, standing, %(now)s, %(rules_version)s, matched::text[], erred::jsonb,
shadowed::jsonb, facts::jsonb FROM unnest(%(subjects)b::text[], %(revisions)s::bigint[], %(ties)s::bigint[],
%(mappings)s::bigint[], %(classifications)s::bigint[], %(effects)b::text[], %(standings)b::text[],
%(matched)b::text[], %(erred)b::text[], %(shadowed)b::text[], %(facts)b::text[]) AS given (subject, revision,
tie, mapping_version, classification_version, effects, standing, matched, erred, shadowed, facts) ON CONFLICT
(subject, revision, classification_version) DO UPDATE SET tie = excluded.tie, mapping_version =
excluded.mapping_version, effects = excluded.effects, standing = excluded.standing, planned_at =
excluded.planned_at, rules_version = excluded.rules_version, matched = excluded.matched, erred =
excluded.erred, shadowed = excluded.shadowed, facts = excluded.facts
"""

_CREATE_EFFECTS_SQL = """
INSERT INTO effects (subject, action, effect_id, rule, destination, order_key, rate_key, person_key,
account_id, program, channel, received_at, planned_at, expires_at, traceparent, content, wanted,
desired_version, status, not_before, ends_on, parent_subject, parent_action) SELECT subject, action,
effect_id, rule, destination, order_key, rate_key, person_key, account_id, program, channel, received_at,
%(now)s, expires_at, traceparent, content::jsonb, wanted, desired_version, status, not_before,
ends_on::text[], parent_subject, parent_action FROM unnest(%(subjects)b::text[], %(actions)b::text[],
%(effect_ids)s::uuid[], %(rules)b::text[], %(destinations)b::text[], %(order_keys)b::text[],
%(rate_keys)b::text[], %(person_keys)b::text[], %(account_ids)b::text[], %(programs)b::text[],
%(channels)b::text[], %(received)s::timestamptz[], %(expires)s::timestamptz[], %(traceparents)b::text[],
%(contents)b::text[], %(wanted)b::text[], %(versions)s::bigint[], %(statuses)b::text[],
%(not_before)s::timestamptz[], %(ends_on)b::text[], %(parent_subjects)b::text[],
%(parent_actions)b::text[]) AS given (subject, action, effect_id, rule, destination, order_key, rate_key,
person_key, account_id, program, channel, received_at, expires_at, traceparent, content, wanted,
desired_version, status, not_before, ends_on, parent_subject, parent_action)
"""

_REVISE_EFFECTS_SQL = """
UPDATE effects SET rule = given.rule, order_key = given.order_key, rate_key = given.rate_key, content =
given.content::jsonb, wanted = given.wanted, desired_version = given.desired_version, traceparent =
given.traceparent, status = given.status, not_before = given.not_before, reason = NULL, changed_at =
clock_timestamp() FROM unnest(%(subjects)b::text[], %(actions)b::text[], %(rules)b::text[],
%(contents)b::text[], %(wanted)b::text[], %(versions)s::bigint[], %(traceparents)b::text[],
%(order_keys)b::text[], %(rate_keys)b::text[], %(statuses)b::text[], %(not_before)s::timestamptz[]) AS
given (subject, action, rule, content, wanted, desired_version, traceparent, order_key, rate_key, status,
not_before) WHERE effects.subject = given.subject AND effects.action = given.action
"""

# An effect that is pending already keeps its place, its pause and its lease.
_MAKE_PENDING_SQL = """
INSERT INTO pending (effect_id, subject, action, destination, order_key, rate_key, due_at)
SELECT effect_id, subject, action, destination, order_key, rate_key, clock_timestamp()
FROM unnest(%(effect_ids)s::uuid[], %(subjects)b::text[], %(actions)b::text[], %(destinations)b::text[],
    %(order_keys)b::text[], %(rate_keys)b::text[])
    WITH ORDINALITY AS given (effect_id, subject, action, destination, order_key, rate_key, place)
ORDER BY place ON CONFLICT (effect_id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan to be recorded."""

    subject: str
    key: tuple[int, int, int, int]
    effects: str
    standing: Standing
    matched: tuple[str, ...]
    erred: Mapping[str, str]
    facts: str
    shadowed: tuple[Wanted, ...] = ()


@dataclass(frozen=True, slots=True)
class EffectRow:
    """An effect to be written. Order and rate key are those of the latest content."""

    subject: str
    action: str
    effect_id: UUID
    rule: str
    destination: str
    person_key: str
    account_id: str | None
    program: str | None
    channel: str | None
    received_at: datetime | None
    expires_at: datetime | None
    traceparent: str
    content: JsonObject
    is_wanted: bool
    desired_version: int
    order_key: str
    rate_key: str
    is_new: bool
    not_before: datetime | None = None
    is_scheduled: bool = False
    """Whether `not_before` is still to come."""
    ends_on: tuple[str, ...] = ()
    parent: Parent | None = None


@dataclass(frozen=True, slots=True)
class StoredEffect:
    """An effect as planning finds it."""

    effect_id: UUID
    desired_version: int
    order_key: str
    rate_key: str
    known: Effect
    not_before: datetime | None = None
    is_child: bool = False


@dataclass(frozen=True, slots=True)
class Best:
    """The best content known of a subject."""

    standing: Standing
    facts: str


def lock_subjects(connection: Connection, person_keys: Mapping[str, str]) -> dict[str, SubjectState]:
    """Lock the rows of these subjects (subject to person key), made where they are missing."""
    subjects = sorted(person_keys)
    with connection.pipeline():
        connection.execute(
            _MAKE_SUBJECTS_SQL,
            {"subjects": subjects, "person_keys": [person_keys[subject] for subject in subjects]},
        )
        rows = connection.execute(_LOCK_SUBJECTS_SQL, {"subjects": subjects})
    return {
        subject: SubjectState(tuple(highest), delivered_revision, cancelled)
        for subject, highest, delivered_revision, cancelled in rows
    }


def effects_of(connection: Connection, subjects: Sequence[str]) -> dict[str, dict[str, StoredEffect]]:
    """Lock and read the effects of these subjects, by subject and action."""
    found: dict[str, dict[str, StoredEffect]] = {}
    if not subjects:
        return found
    rows = connection.execute(_EFFECTS_SQL, {"subjects": list(subjects)})
    for (
        subject,
        action,
        effect_id,
        rule,
        destination,
        order_key,
        rate_key,
        content,
        wanted,
        outside,
        version,
        not_before,
        ended_by,
        parent_subject,
    ) in rows:
        known = Effect(
            action=action,
            rule=rule,
            destination=destination,
            is_wanted=wanted == "present",
            is_outside=outside != Outside.ABSENT,
            content=content,
            has_ended=ended_by is not None,
        )
        found.setdefault(subject, {})[action] = StoredEffect(
            effect_id, version, order_key, rate_key, known, not_before, parent_subject is not None
        )
    return found


def best_known(connection: Connection, subjects: Sequence[str]) -> dict[str, Best]:
    """The best content known of these subjects."""
    if not subjects:
        return {}
    rows = connection.execute(_BEST_SQL, {"subjects": list(subjects)})
    return {subject: Best(Standing(standing), facts) for subject, standing, facts in rows}


def write_subjects(connection: Connection, states: Mapping[str, SubjectState]) -> None:
    """Write the states that planning left the subjects in."""
    connection.execute(
        _UPDATE_SUBJECTS_SQL,
        {
            "subjects": list(states),
            "highest": [_array(state.highest) for state in states.values()],
            "delivered": [state.delivered_revision for state in states.values()],
            "cancelled": [state.cancelled for state in states.values()],
        },
    )


def write_plans(
    connection: Connection, plans: Sequence[PlanRow], *, rules_version: str, now: datetime
) -> None:
    """Record that planning happened; one row for each subject, revision and classification version."""
    connection.execute(
        _WRITE_PLANS_SQL,
        {
            "now": now,
            "rules_version": rules_version,
            "subjects": [plan.subject for plan in plans],
            "revisions": [plan.key[0] for plan in plans],
            "ties": [plan.key[1] for plan in plans],
            "mappings": [plan.key[2] for plan in plans],
            "classifications": [plan.key[3] for plan in plans],
            "effects": [plan.effects for plan in plans],
            "standings": [plan.standing.value for plan in plans],
            "matched": [_array(plan.matched) for plan in plans],
            "erred": [json.dumps(plan.erred) for plan in plans],
            "shadowed": [
                json.dumps(
                    {
                        wanted.action: {"destination": wanted.destination, "content": wanted.content}
                        for wanted in plan.shadowed
                    }
                )
                for plan in plans
            ],
            "facts": [plan.facts for plan in plans],
        },
    )


def write_effects(connection: Connection, effects: Iterable[EffectRow], *, now: datetime) -> None:
    """Create and revise effects, and make them pending; a timer does that for those whose time is to come."""
    rows = list(effects)
    new = [row for row in rows if row.is_new]
    revised = [row for row in rows if not row.is_new]
    if new:
        connection.execute(_CREATE_EFFECTS_SQL, _columns(new) | _origins(new) | {"now": now})
    if revised:
        connection.execute(_REVISE_EFFECTS_SQL, _columns(revised))
    timers = [
        Timer(TimerKind.RELEASE, row.subject, row.action, row.not_before)
        for row in rows
        if row.is_scheduled and row.not_before is not None
    ]
    if timers:
        timer_store.start(connection, timers)
    rows = [row for row in rows if not row.is_scheduled]
    connection.execute(
        _MAKE_PENDING_SQL,
        {
            "effect_ids": [row.effect_id for row in rows],
            "subjects": [row.subject for row in rows],
            "actions": [row.action for row in rows],
            "destinations": [row.destination for row in rows],
            "order_keys": [row.order_key for row in rows],
            "rate_keys": [row.rate_key for row in rows],
        },
    )


def _columns(rows: Sequence[EffectRow]) -> dict[str, Any]:
    return {
        "subjects": [row.subject for row in rows],
        "actions": [row.action for row in rows],
        "rules": [row.rule for row in rows],
        "contents": [json.dumps(row.content) for row in rows],
        "wanted": ["present" if row.is_wanted else "absent" for row in rows],
        "versions": [row.desired_version for row in rows],
        "traceparents": [row.traceparent for row in rows],
        "order_keys": [row.order_key for row in rows],
        "rate_keys": [row.rate_key for row in rows],
        "statuses": ["scheduled" if row.is_scheduled else "pending" for row in rows],
        "not_before": [row.not_before for row in rows],
    }


def _origins(rows: Sequence[EffectRow]) -> dict[str, Any]:
    return {
        "effect_ids": [row.effect_id for row in rows],
        "destinations": [row.destination for row in rows],
        "person_keys": [row.person_key for row in rows],
        "account_ids": [row.account_id for row in rows],
        "programs": [row.program for row in rows],
        "channels": [row.channel for row in rows],
        "received": [row.received_at for row in rows],
        "expires": [row.expires_at for row in rows],
        "ends_on": [_array(row.ends_on) for row in rows],
        "parent_subjects": [row.parent.subject if row.parent else None for row in rows],
        "parent_actions": [row.parent.action if row.parent else None for row in rows],
    }


def _array(values: Sequence[object]) -> str:
    # unnest cannot take arrays of arrays of different lengths, so inner ones travel as literals.
    return "{" + ",".join(str(value) for value in values) + "}"
