"""The SQL of what was planned: the subjects' states, and the record of every plan."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from runtime.postgres import array
from services.router.admission import Standing, SubjectState
from services.router.effect import Wanted

Connection = psycopg.Connection[Any]

# Makes the rows of subjects never heard of, in order, so that two planners of one subject follow one another.
_MAKE_SUBJECTS_SQL = """
INSERT INTO subjects (subject, person_key, highest, delivered_revision, cancelled)
SELECT subject, person_key, highest::bigint[], delivered, cancelled
FROM unnest(%(subjects)b::text[], %(person_keys)b::text[], %(highest)b::text[], %(delivered)s::bigint[],
    %(cancelled)s::boolean[]) AS given (subject, person_key, highest, delivered, cancelled)
ORDER BY subject ON CONFLICT DO NOTHING RETURNING subject
"""
_LOCK_SUBJECTS_SQL = """
SELECT subject, highest, delivered_revision, cancelled FROM subjects
WHERE subject = ANY(%(subjects)s) ORDER BY subject FOR NO KEY UPDATE
"""
_UPDATE_SUBJECTS_SQL = """
UPDATE subjects SET highest = given.highest::bigint[], delivered_revision = given.delivered,
    cancelled = given.cancelled
FROM unnest(%(subjects)b::text[], %(highest)b::text[], %(delivered)s::bigint[], %(cancelled)s::boolean[])
    AS given (subject, highest, delivered, cancelled)
WHERE subjects.subject = given.subject
"""

# Each subject's best known facts: those of the plan with the highest key.
_BEST_SQL = """
SELECT DISTINCT ON (subject) subject, standing, facts::text FROM plans
WHERE subject = ANY(%(subjects)s)
ORDER BY subject, revision DESC, tie DESC, mapping_version DESC, classification_version DESC
"""
_WRITE_PLANS_SQL = """
INSERT INTO plans (subject, revision, tie, mapping_version, classification_version, effects, standing,
    planned_at, rules_version, matched, erred, shadowed, facts)
SELECT subject, revision, tie, mapping_version, classification_version, effects, standing, %(now)s,
    %(rules_version)s, matched::text[], erred::jsonb, shadowed::jsonb, facts::jsonb
FROM unnest(%(subjects)b::text[], %(revisions)s::bigint[], %(ties)s::bigint[], %(mappings)s::bigint[],
    %(classifications)s::bigint[], %(effects)b::text[], %(standings)b::text[], %(matched)b::text[],
    %(erred)b::text[], %(shadowed)b::text[], %(facts)b::text[])
    AS given (subject, revision, tie, mapping_version, classification_version, effects, standing, matched,
        erred, shadowed, facts)
ON CONFLICT (subject, revision, classification_version) DO UPDATE SET tie = excluded.tie,
    mapping_version = excluded.mapping_version, effects = excluded.effects, standing = excluded.standing,
    planned_at = excluded.planned_at, rules_version = excluded.rules_version, matched = excluded.matched,
    erred = excluded.erred, shadowed = excluded.shadowed, facts = excluded.facts
"""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A subject, and the state in which a batch leaves it if it was never heard of before."""

    person_key: str
    state: SubjectState


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
class Best:
    """The best content known of a subject."""

    standing: Standing
    facts: str


def lock_subjects(connection: Connection, subjects: Mapping[str, Newcomer]) -> dict[str, SubjectState]:
    """Lock these subjects and return the states of those heard of before; others' rows are made."""
    names = sorted(subjects)
    newcomers = [subjects[name] for name in names]
    made = connection.execute(
        _MAKE_SUBJECTS_SQL,
        {"person_keys": [one.person_key for one in newcomers]}
        | _columns(dict(zip(names, (one.state for one in newcomers), strict=True))),
    ).fetchall()
    known = sorted(subjects.keys() - {row[0] for row in made})
    if not known:
        return {}
    rows = connection.execute(_LOCK_SUBJECTS_SQL, {"subjects": known})
    return {
        subject: SubjectState(tuple(highest), delivered_revision, cancelled)
        for subject, highest, delivered_revision, cancelled in rows
    }


def write_subjects(connection: Connection, states: Mapping[str, SubjectState]) -> None:
    """Write the states that planning left subjects in."""
    if states:
        connection.execute(_UPDATE_SUBJECTS_SQL, _columns(states))


def best_known(connection: Connection, subjects: Sequence[str]) -> dict[str, Best]:
    """The best content known of these subjects."""
    if not subjects:
        return {}
    rows = connection.execute(_BEST_SQL, {"subjects": list(subjects)})
    return {subject: Best(Standing(standing), facts) for subject, standing, facts in rows}


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
            # unnest cannot take arrays of arrays of different lengths.
            "matched": [array(plan.matched) for plan in plans],
            "erred": [json.dumps(plan.erred) if plan.erred else "{}" for plan in plans],
            "shadowed": [json.dumps(_shadowed(plan)) if plan.shadowed else "{}" for plan in plans],
            "facts": [plan.facts for plan in plans],
        },
    )


def _shadowed(plan: PlanRow) -> dict[str, dict[str, Any]]:
    return {
        wanted.action: {"destination": wanted.destination, "content": json.loads(wanted.content)}
        for wanted in plan.shadowed
    }


def _columns(states: Mapping[str, SubjectState]) -> dict[str, Any]:
    return {
        "subjects": list(states),
        "highest": [array(state.highest) for state in states.values()],
        "delivered": [state.delivered_revision for state in states.values()],
        "cancelled": [state.cancelled for state in states.values()],
    }
