"""Since when customers are lost, and when their contracts end, as rows of PostgreSQL."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from runtime.postgres import columns

# What was told of a person before they were forgotten is gone.
_PEOPLE_SQL = """
WITH given AS (
    SELECT person, min(at) AS at FROM unnest(%s::text[], %s::timestamptz[]) AS told (person, at)
    JOIN people USING (person) WHERE erased_at IS NULL OR erased_at < at GROUP BY person
)
UPDATE people SET lost_since = given.at FROM given
WHERE people.person = given.person AND (lost_since IS NULL OR lost_since > given.at)
RETURNING people.person
"""
_ACCOUNTS_SQL = """
WITH given AS (
    SELECT account_id, min(at) AS at FROM unnest(%s::text[], %s::timestamptz[]) AS told (account_id, at)
    GROUP BY account_id
)
UPDATE accounts SET lost_since = given.at FROM given
WHERE accounts.account_id = given.account_id AND (lost_since IS NULL OR lost_since > given.at)
RETURNING accounts.account_id
"""
_RENEWALS_SQL = """
INSERT INTO renewals SELECT * FROM unnest(%s::text[], %s::date[]) ON CONFLICT DO NOTHING
"""


def put_people(connection: Connection[Any], losses: Collection[tuple[str, datetime]]) -> set[str]:
    """Notes when people were first told to be lost; returns of whom that is news."""
    return _earliest(connection, _PEOPLE_SQL, losses)


def put_accounts(connection: Connection[Any], losses: Collection[tuple[str, datetime]]) -> set[str]:
    """Notes when accounts were first told to be lost; returns of which that is news."""
    return _earliest(connection, _ACCOUNTS_SQL, losses)


def put_renewals(connection: Connection[Any], renewals: Collection[tuple[str, date]]) -> None:
    """Keeps the renewal dates that accounts ever had."""
    if renewals:
        connection.execute(_RENEWALS_SQL, columns(renewals))


def _earliest(
    connection: Connection[Any], statement: str, losses: Collection[tuple[str, datetime]]
) -> set[str]:
    return {one for (one,) in connection.execute(statement, columns(losses))} if losses else set()
