"""Outcomes and survey requests as rows of PostgreSQL, and what they mean for a person's answers."""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from runtime.postgres import columns
from schemas.outcomes import OutcomeKind, OutcomeRecorded
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.survey_events import SurveyStepOccurred
from services.insights.intake import Batch
from services.insights.people import Keys
from services.insights.standing import Care

AUTOMATIC_MAIL = "auto_mail"
"""The action that all automatic mails of an answer share."""
CONTACT = "contact"
"""The target that an outcome `sla_breached` gives as its reason, where it is the first contact's."""

_OUTCOMES_SQL = """
INSERT INTO outcomes
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::uuid[],
                     %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
ON CONFLICT (outcome_id) DO NOTHING RETURNING person
"""
_REQUESTED_SQL = """
INSERT INTO requests AS known (
    request_id, person, version, program, metric, channel, requested_at, closes_at)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::text[], %s::text[], %s::text[],
                     %s::timestamptz[], %s::timestamptz[])
ON CONFLICT (request_id) DO UPDATE SET version = excluded.version, program = excluded.program,
    metric = excluded.metric, channel = excluded.channel, closes_at = excluded.closes_at,
    requested_at = least(known.requested_at, excluded.requested_at)
WHERE known.version < excluded.version
RETURNING person
"""
_CANCELLED_SQL = """
INSERT INTO requests AS known (request_id, person, program, cancelled_at)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[])
ON CONFLICT (request_id) DO UPDATE SET cancelled_at = least(known.cancelled_at, excluded.cancelled_at)
RETURNING person
"""
_SENT_SQL = """
INSERT INTO requests AS known (request_id, person, program, sent_at)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[])
ON CONFLICT (request_id) DO UPDATE SET sent_at = least(known.sent_at, excluded.sent_at)
WHERE known.sent_at IS DISTINCT FROM least(known.sent_at, excluded.sent_at)
RETURNING person
"""
_CARE_SQL = """
SELECT response_id, bool_or(kind = %(contacted)s), bool_or(kind = %(delivered)s),
       bool_or(kind = %(breached)s),
       (array_agg(reason ORDER BY occurred_at DESC, outcome_id DESC) FILTER (WHERE kind = %(advocacy)s))[1]
FROM outcomes
WHERE person = ANY(%(persons)b) AND response_id IS NOT NULL
  AND (kind = %(contacted)s OR kind = %(delivered)s AND action = %(mail)s
       OR kind = %(breached)s AND reason = %(contact)s OR kind = %(advocacy)s)
GROUP BY response_id
"""


def put(connection: Connection[Any], batch: Batch, keys: Keys) -> set[str]:
    """Writes what a batch says was done, and who was asked; returns whose."""
    outcomes = [
        one for one in batch.outcomes.values() if not keys.is_forgotten(one.person_key, one.occurred_at)
    ]
    asked = [
        one for one in batch.requests.values() if not keys.is_forgotten(one.person_key, one.requested_at)
    ]
    cancelled = [
        one for one in batch.cancelled.values() if not keys.is_forgotten(one.person_key, one.cancelled_at)
    ]
    sent = [one for one in batch.reached.values() if not keys.is_forgotten(one.person_key, one.occurred_at)]
    changed = _written(connection, _OUTCOMES_SQL, [_outcome(one, keys) for one in outcomes])
    changed |= _written(connection, _REQUESTED_SQL, [_request(one, keys) for one in asked])
    changed |= _written(
        connection, _CANCELLED_SQL, [(*_named(one, keys), one.cancelled_at) for one in cancelled]
    )
    return changed | _written(connection, _SENT_SQL, [(*_named(one, keys), one.occurred_at) for one in sent])


def care(connection: Connection[Any], persons: Sequence[str]) -> Mapping[UUID, Care]:
    """What these people heard from us about their answers."""
    values = {
        "persons": list(persons),
        "contacted": OutcomeKind.CONTACTED.value,
        "delivered": OutcomeKind.DELIVERED.value,
        "breached": OutcomeKind.SLA_BREACHED.value,
        "advocacy": OutcomeKind.ADVOCACY_CHANGED.value,
        "mail": AUTOMATIC_MAIL,
        "contact": CONTACT,
    }
    return {response_id: Care(*heard) for response_id, *heard in connection.execute(_CARE_SQL, values)}


def _written(
    connection: Connection[Any], statement: LiteralString, rows: Sequence[tuple[object, ...]]
) -> set[str]:
    if not rows:
        return set()
    return {person for (person,) in connection.execute(statement, columns(rows))}


def _outcome(event: OutcomeRecorded, keys: Keys) -> tuple[object, ...]:
    return (
        event.outcome_id,
        keys.winner(event.person_key),
        event.kind,
        event.occurred_at,
        event.subject,
        event.response_id,
        event.rule,
        event.action,
        event.destination,
        event.actor,
        event.reason,
        event.root_cause,
    )


def _request(event: SurveyRequested, keys: Keys) -> tuple[object, ...]:
    request_id, person, program = _named(event, keys)
    when = (event.requested_at, event.closes_at)
    return (request_id, person, event.version, program, event.metric, event.channel, *when)


def _named(
    event: SurveyRequested | SurveyRequestCancelled | SurveyStepOccurred, keys: Keys
) -> tuple[UUID, str, str]:
    return event.request_id, keys.winner(event.person_key), event.program
