"""Happenings as rows of PostgreSQL."""

import json
from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from runtime.postgres import columns
from services.insights.happening import Happening, Kind
from services.insights.intake import Batch
from services.insights.people import Keys

_PUT_SQL = """
INSERT INTO happenings AS known (happening_id, kind, person, account_id, occurred_at, known_at,
    order_key, about, is_retracted, facts)
SELECT happening_id, kind, person, account_id, occurred_at, known_at, order_key::bigint[], about,
    is_retracted, facts::jsonb
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[],
            %s::text[], %s::text[], %s::boolean[], %s::text[])
     AS given (happening_id, kind, person, account_id, occurred_at, known_at, order_key, about,
               is_retracted, facts)
ON CONFLICT (happening_id) DO UPDATE SET person = excluded.person,
    account_id = excluded.account_id, occurred_at = excluded.occurred_at, known_at = excluded.known_at,
    order_key = excluded.order_key, is_retracted = excluded.is_retracted, facts = excluded.facts
WHERE known.order_key < excluded.order_key
"""
_READ_SQL = """
SELECT happening_id, kind, person, account_id, occurred_at, known_at, facts, about FROM happenings
WHERE NOT is_retracted AND (person = ANY(%(persons)s) OR person IS NULL AND account_id = %(account_id)s)
ORDER BY occurred_at DESC, happening_id LIMIT %(limit)s
"""


def put(connection: Connection[Any], batch: Batch, keys: Keys) -> None:
    """Writes the happenings of a batch."""
    rows = [
        _row(one, keys)
        for one in batch.happenings.values()
        if one.person is None or not keys.is_forgotten(one.person, one.known_at)
    ]
    if rows:
        connection.execute(_PUT_SQL, columns(rows))


def of(
    connection: Connection[Any], persons: Sequence[str], account_id: str | None, limit: int
) -> list[Happening]:
    """What happened to people, and to an account as a whole, the newest first."""
    values = {"persons": list(persons), "account_id": account_id, "limit": limit}
    return [
        Happening(happening_id, Kind(kind), *rest)
        for happening_id, kind, *rest in connection.execute(_READ_SQL, values)
    ]


def _row(one: Happening, keys: Keys) -> tuple[object, ...]:
    return (
        one.happening_id,
        one.kind,
        keys.winner(one.person) if one.person is not None else None,
        one.account_id,
        one.occurred_at,
        one.known_at,
        "{" + ",".join(map(str, one.order_key)) + "}",
        one.about,
        one.is_retracted,
        json.dumps(one.facts),
    )
