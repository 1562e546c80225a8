"""What the router planned: read, never written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from services.router.admission import Standing
from services.router.effect import PEOPLE
from services.router.facts import Facts

Connection = psycopg.Connection[Any]

_BATCH = 500

_LATEST_SQL = """
SELECT DISTINCT ON (subject) subject, standing, planned_at, facts FROM plans WHERE subject = ANY(%(subjects)s)
ORDER BY subject, revision DESC, tie DESC, mapping_version DESC, classification_version DESC
"""
_COUNT_SQL = """
SELECT count(DISTINCT subject) FROM plans WHERE planned_at >= %(since)s AND effects = 'deliver'
"""
_SINCE_SQL = """
SELECT subject, standing, planned_at, facts FROM (
    SELECT DISTINCT ON (subject) subject, standing, planned_at, facts FROM plans
    WHERE planned_at >= %(since)s AND effects = 'deliver'
    ORDER BY subject, revision DESC, tie DESC, mapping_version DESC, classification_version DESC
) AS latest ORDER BY planned_at, subject
"""
# No rule asks for what is told below a card, shown in a second place or done by a colleague.
_DELIVERIES_SQL = """
SELECT subject, action, destination, rate_key FROM effects
WHERE subject = ANY(%(subjects)s) AND wanted = 'present'
  AND parent_subject IS NULL AND repeats IS NULL AND rule <> %(people)s
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An action of a subject, and where it goes: two of one place are two messages in one channel."""

    action: str
    destination: str
    place: str


@dataclass(frozen=True, slots=True)
class PastPlan:
    """The latest plan of a subject, with what the ledger holds of it that a rule asked for."""

    subject: str
    standing: Standing
    planned_at: datetime
    facts: Facts
    deliveries: frozenset[Delivery]


def plan_of(connection: Connection, subject: str) -> PastPlan | None:
    """The latest plan of a subject, None where there is none."""
    rows = connection.execute(_LATEST_SQL, {"subjects": [subject]}).fetchall()
    return next(_with_deliveries(connection, rows), None)


def count_since(connection: Connection, since: datetime) -> int:
    """How many subjects were planned since then, to be delivered."""
    rows = connection.execute(_COUNT_SQL, {"since": since}).fetchall()
    return int(rows[0][0])


def plans_since(connection: Connection, since: datetime) -> Iterator[PastPlan]:
    """The latest plan of each subject that was planned since then, to be delivered, oldest first."""
    with connection.cursor(name="past_plans") as cursor:
        cursor.execute(_SINCE_SQL, {"since": since})
        while rows := cursor.fetchmany(_BATCH):
            yield from _with_deliveries(connection, rows)


def _with_deliveries(connection: Connection, rows: list[tuple[Any, ...]]) -> Iterator[PastPlan]:
    found: dict[str, set[Delivery]] = {}
    values = {"subjects": [row[0] for row in rows], "people": PEOPLE}
    deliveries = connection.execute(_DELIVERIES_SQL, values)
    for subject, action, destination, rate_key in deliveries:
        found.setdefault(subject, set()).add(Delivery(action, destination, rate_key))
    for subject, standing, planned_at, facts in rows:
        yield PastPlan(
            subject,
            Standing(standing),
            planned_at,
            Facts.model_validate(facts),
            frozenset(found.get(subject, ())),
        )
