"""What the topics say, in PostgreSQL: every person whom a batch concerns is told anew from all that is known.

One batch at a time works on it. So whatever order events come in, and however often, the same facts end as
the same rows and the same bits.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from schemas.profiles import ProfileErased
from services.insights import (
    answers_store,
    closed_loop_store,
    follow_ups,
    happening_store,
    losses_store,
    mail_wishes,
    people,
)
from services.insights.image import publish
from services.insights.intake import Batch
from services.insights.telling import Changes, tell_anew

# A batch is small beside the tables, and what it touches mostly in memory: its rows are to be looked up one
# by one, where the server by default would read all of a table.
_ALONE_SQL = """
SELECT pg_advisory_xact_lock(hashtext('projection'), hashtext(current_schema())),
       set_config('random_page_cost', '1.1', true)
"""


def take_in(connection: Connection[Any], batch: Batch, zone: ZoneInfo) -> int:
    """Writes a batch in the caller's transaction; how many answers count differently from before."""
    work_alone(connection)
    told = tell_anew(connection, write(connection, batch), zone)
    publish(connection, told.flips)
    return told.moved


def work_alone(connection: Connection[Any]) -> None:
    """Waits until nobody else writes, and makes others wait until the transaction ends."""
    connection.execute(_ALONE_SQL)


def write(connection: Connection[Any], batch: Batch) -> Changes:
    """Writes the facts of a batch; returns what is to be told anew."""
    named = batch.people()
    people.ensure(connection, named)
    erased = people.erase(connection, batch.erased.values())
    mail_wishes.forget(connection, erased)
    changed = people.put_profiles(connection, batch.profiles.values())
    mail_wishes.put(connection, [batch.profiles[person] for person in sorted(changed)])
    changed |= losses_store.put_people(connection, batch.people_lost)
    accounts = people.put_accounts(connection, batch.accounts.values())
    accounts |= losses_store.put_accounts(connection, batch.accounts_lost)
    losses_store.put_renewals(connection, batch.renewals)
    changed |= people.members(connection, accounts)
    keys = people.keys_among(connection, named)
    changed |= people.fold(connection, batch.merges, keys)
    others = answers_store.put(connection, batch, keys) | closed_loop_store.put(connection, batch, keys)
    happening_store.put(connection, batch, keys)
    follow_ups.put(connection, batch.outcomes.values(), keys)
    return Changes(
        people=erased.union(keys.winner(key) for key in changed | erased),
        others={keys.winner(key) for key in others},
        answers=batch.answers_named(),
    )


def forget(
    connection: Connection[Any], named: Collection[str], at: datetime, zone: ZoneInfo
) -> dict[str, int]:
    """Forgets a person under all their keys: what was received up to `at`. Records removed, by table."""
    work_alone(connection)
    people.ensure(connection, named)
    keys = people.all_keys(connection, named)
    known = people.known_among(connection, keys)
    mail_wishes.forget(connection, people.erase(connection, [ProfileErased(key, at) for key in sorted(keys)]))
    told = tell_anew(connection, Changes(keys), zone)
    publish(connection, told.flips)
    return {"people": known, **told.removed}
