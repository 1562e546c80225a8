"""The accounts table: renewal dates and what audiences test, and who belongs to an account."""

from collections.abc import Collection
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from schemas.accounts import AccountChanged
from services.scheduler.audience import AccountFacts

# One key for all services of a database: the lock is the scheduler's alone by its number.
_EVERYBODY = 0x5C4ED
_ONE_BY_ONE_SQL = "SELECT pg_advisory_xact_lock_shared(%s)"
_ALONE_SQL = "SELECT pg_advisory_xact_lock(%s)"
_ENSURE_SQL = "INSERT INTO accounts (account_id) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"
_LOCK_SQL = "SELECT FROM accounts WHERE account_id = ANY(%s) ORDER BY account_id FOR NO KEY UPDATE"
_HOLD_SQL = "SELECT FROM accounts WHERE account_id = ANY(%s) ORDER BY account_id FOR SHARE"
_MEMBERS_SQL = "SELECT person FROM people WHERE account_id = ANY(%s) AND merged_into IS NULL"
_PUT_SQL = """
UPDATE accounts SET version = given.version, renewal_date = given.renewal_date, facts = given.facts
FROM unnest(%s::text[], %s::bigint[], %s::date[], %s::jsonb[])
     AS given (account_id, version, renewal_date, facts)
WHERE accounts.account_id = given.account_id AND accounts.version < given.version
"""
_FACTS = set(AccountFacts.model_fields) - {"id", "days_to_renewal"}


def hold_everybody(connection: Connection[Any], *, alone: bool) -> None:
    """Until the transaction ends, what happens to everybody (`alone`) happens beside nothing else.

    Whoever is first heard of is thus either planned with it, or found by the sweep that follows.
    """
    connection.execute(_ALONE_SQL if alone else _ONE_BY_ONE_SQL, (_EVERYBODY,))


def lock(connection: Connection[Any], *, changed: Collection[str], joined: Collection[str]) -> list[str]:
    """Locks accounts until the transaction ends; returns who belongs to the changed ones.

    Unknown ones get a row. Nobody joins a changed account meanwhile. Taken before the people's locks, and
    in one order.
    """
    ids = sorted({*changed, *joined})
    if not ids:
        return []
    connection.execute(_ENSURE_SQL, (ids,))
    connection.execute(_LOCK_SQL if changed else _HOLD_SQL, (ids,))
    return [person for (person,) in connection.execute(_MEMBERS_SQL, (list(changed),))] if changed else []


def put(connection: Connection[Any], accounts: Collection[AccountChanged]) -> bool:
    """Takes over the accounts that are newer than what is known; says whether there were any."""
    if not accounts:
        return False
    written = connection.execute(
        _PUT_SQL,
        (
            [account.account_id for account in accounts],
            [account.version for account in accounts],
            [account.renewal_date for account in accounts],
            [Jsonb(account.model_dump(include=_FACTS, exclude_none=True)) for account in accounts],
        ),
    )
    return written.rowcount > 0
