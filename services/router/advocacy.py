"""What became of an advocate: an outcome of the delivery that asked for one."""

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from runtime import outbox
from runtime.cloudevents import to_message
from runtime.tracing import new_traceparent
from schemas.event import derived_id
from schemas.outcomes import OutcomeKind, OutcomeRecorded
from services.router.history import place_of
from services.router.outcomes import SOURCE, response_of

Connection = psycopg.Connection[Any]

_WHOSE_SQL = """
SELECT person_key, account_id, rule, action, destination FROM effects
WHERE subject = %(subject)s AND action = %(action)s
"""


def report(connection: Connection, effect_id: UUID, status: str, *, told_by: str, now: datetime) -> bool:
    """Publish what became of the person whom one effect is about; False: there is no such effect.

    `status` is in the words of whoever says so; the same `told_by` again gives the same outcome.
    """
    place = place_of(connection, effect_id, now)
    values = {"subject": place[0], "action": place[1]} if place else {}
    row = connection.execute(_WHOSE_SQL, values).fetchone() if place else None
    if place is None or row is None:
        return False
    person_key, account_id, rule, action, destination = row
    event = OutcomeRecorded(
        outcome_id=derived_id(effect_id, "advocacy", told_by),
        kind=OutcomeKind.ADVOCACY_CHANGED,
        occurred_at=now,
        person_key=person_key,
        account_id=account_id,
        subject=place[0],
        response_id=response_of(place[0]),
        rule=rule,
        action=action,
        destination=destination,
        effect_id=effect_id,
        reason=status,
    )
    outbox.append(connection, [to_message(event, source=SOURCE, traceparent=new_traceparent())])
    return True
