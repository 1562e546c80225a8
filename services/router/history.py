"""What the ledger has to tell about a subject's deliveries."""

from typing import Any

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[Any]

_EFFECTS_SQL = """
SELECT action, effect_id, rule, destination, wanted, desired_version, sent_version, outside, external_id,
    status, reason, planned_at, changed_at
FROM effects WHERE subject = %(subject)s ORDER BY action
"""

_ATTEMPTS_SQL = """
SELECT effect_id, operation, version, started_at, finished_at, result, cause
FROM attempts WHERE effect_id = ANY(%(effect_ids)s) ORDER BY started_at
"""


def deliveries_of(connection: Connection, subject: str) -> list[dict[str, Any]]:
    """A subject's effects by action, each with its `attempts`, oldest first."""
    cursor = connection.cursor(row_factory=dict_row)
    effects = cursor.execute(_EFFECTS_SQL, {"subject": subject}).fetchall()
    cursor.execute(_ATTEMPTS_SQL, {"effect_ids": [effect["effect_id"] for effect in effects]})
    attempts = cursor.fetchall()
    return [
        effect
        | {"attempts": [attempt for attempt in attempts if attempt["effect_id"] == effect["effect_id"]]}
        for effect in effects
    ]
