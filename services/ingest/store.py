"""SQL of profiles, accounts, replies and the outbox. Callers own the transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from schemas.accounts import AccountChanged
from schemas.profiles import ProfileChanged
from schemas.requests import SurveyRequested
from services.ingest.persons import Identifier, Known, People, Strength

Connection = psycopg.Connection[Any]

_WINNER_SQL = """
SELECT winner.person_key, winner.state FROM profiles AS named
JOIN profiles AS winner ON winner.person_key = coalesce(named.state ->> 'merged_into', named.person_key)
WHERE named.person_key = %s
"""


def lock_profile(connection: Connection, person_key: str) -> ProfileChanged | None:
    """The known state of the person whom this key stands for, under the key they go by now.

    Locks that row, made where there was none, until the transaction ends.
    """
    key = person_key
    while True:
        # A row that only names another one is not locked: whoever merges takes rows in an order of its own.
        row = connection.execute(
            "SELECT state ->> 'merged_into' FROM profiles WHERE person_key = %s", (key,)
        ).fetchone()
        if row is not None and row[0] is not None:
            key = row[0]
            continue
        connection.execute("INSERT INTO profiles (person_key) VALUES (%s) ON CONFLICT DO NOTHING", (key,))
        [known] = _known(connection, [key]).values()
        if known.merged_into is None:
            return known.state


def erased(connection: Connection, keys: Iterable[str]) -> dict[str, datetime]:
    """Which of these keys were erased, and when."""
    rows = connection.execute(
        "SELECT person_key, erased_at FROM erased WHERE person_key = ANY(%s)", (list(keys),)
    )
    return dict(rows.fetchall())


def lock_people(
    connection: Connection, identifiers: Iterable[Identifier], owned: frozenset[str] = frozenset()
) -> People:
    """Everybody whom these keys stand for, with all their keys; nobody else merges people meanwhile.

    `owned` are the fields that Salesforce sets.

    One transaction at a time: two that take rows in an order of their own would wait for each other.
    """
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('people'), hashtext(current_schema()))")
    keys = sorted({one.key for one in identifiers})
    # A key nobody knew is a row to be locked as well: an opt-out that comes at this moment waits for it.
    connection.execute(
        "INSERT INTO profiles (person_key) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (keys,)
    )
    known = _known(connection, keys)
    winners = {one.merged_into for one in known.values() if one.merged_into} - known.keys()
    known |= _known(connection, sorted(winners))
    others = {key for one in known.values() if one.state for key in one.state.merged_from} - known.keys()
    known |= _known(connection, sorted(others))
    return People(known, owned, in_salesforce(connection, "Contact", list(known)) if owned else ())


def in_salesforce(connection: Connection, kind: str, keys: Sequence[str]) -> list[str]:
    """Those of the keys (of people, of accounts) that records of Salesforce stand behind."""
    rows = connection.execute(
        "SELECT key FROM salesforce_records WHERE object = %s AND key = ANY(%s)", (kind, list(keys))
    ).fetchall()
    return [row[0] for row in rows]


def put_people(connection: Connection, people: People) -> list[ProfileChanged]:
    """Stores what has changed of locked people and returns it."""
    changed = people.changed()
    strengths = people.strengths()
    connection.execute(
        """
        INSERT INTO profiles AS known (person_key, strength, state)
        SELECT * FROM unnest(%s::text[], %s::smallint[], %s::jsonb[])
        ON CONFLICT (person_key) DO UPDATE SET strength = excluded.strength, state = excluded.state
        """,
        (
            [state.person_key for state in changed],
            [strengths[state.person_key] for state in changed],
            [Jsonb(state.model_dump(mode="json")) for state in changed],
        ),
    )
    return changed


def put_profile(connection: Connection, profile: ProfileChanged) -> None:
    """Replaces the state of a locked row."""
    connection.execute(
        "UPDATE profiles SET state = %s WHERE person_key = %s",
        (Jsonb(profile.model_dump(mode="json")), profile.person_key),
    )


def lock_accounts(connection: Connection, account_ids: Iterable[str]) -> dict[str, AccountChanged]:
    """The accounts' known states; locks the rows, made where there were none, until the transaction ends.

    They are taken in the order of their ids, so that two calls never wait for each other.
    """
    ids = sorted(set(account_ids))
    connection.execute(
        "INSERT INTO accounts (account_id) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (ids,)
    )
    rows = connection.execute(
        "SELECT account_id, state FROM accounts WHERE account_id = ANY(%s) ORDER BY account_id FOR UPDATE",
        (ids,),
    ).fetchall()
    return {account_id: AccountChanged.model_validate(state) for account_id, state in rows if state}


def put_accounts(connection: Connection, accounts: Iterable[AccountChanged]) -> None:
    """Replaces the states of locked rows, one of each account."""
    states = list(accounts)
    connection.execute(
        "UPDATE accounts SET state = given.state FROM unnest(%s::text[], %s::jsonb[]) AS given (id, state)"
        " WHERE account_id = given.id",
        (
            [account.account_id for account in states],
            [Jsonb(account.model_dump(mode="json")) for account in states],
        ),
    )


def keys_of(connection: Connection, person_key: str) -> tuple[str, ...]:
    """Every key that the person of this key is or was known by, this one included; sorted."""
    row = connection.execute(_WINNER_SQL, (person_key,)).fetchone()
    winner, state = row or (person_key, None)
    known = state or {}
    return tuple(sorted({person_key, winner, *known.get("aliases", ()), *known.get("merged_from", ())}))


def known_profile(connection: Connection, person_key: str) -> ProfileChanged | None:
    """The known state of the person whom this key stands for, unlocked."""
    row = connection.execute(_WINNER_SQL, (person_key,)).fetchone()
    return ProfileChanged.model_validate(row[1]) if row and row[1] else None


def owed_for(connection: Connection, topic: str, keys: Sequence[str]) -> list[int]:
    """Ids of the outbox's rows for these keys that the relay still owes."""
    rows = connection.execute(
        "SELECT id FROM outbox"
        " WHERE topic = %s AND key = ANY(%s) AND sent_at IS NULL AND refused_cause IS NULL",
        (topic, [key.encode() for key in keys]),
    ).fetchall()
    return [row[0] for row in rows]


def people_at(connection: Connection, email: str) -> list[str]:
    """Keys of the people whose profile has this (normalised) address."""
    rows = connection.execute(
        "SELECT person_key FROM profiles WHERE lower(state->>'email') = %s ORDER BY person_key", (email,)
    ).fetchall()
    return [row[0] for row in rows]


def latest_mailed(connection: Connection, people: Sequence[str], before: datetime) -> SurveyRequested | None:
    """The survey that these people were last asked by mail in the 30 days before."""
    row = connection.execute(
        """
        SELECT request FROM survey_requests
        WHERE request->>'person_key' = ANY(%s) AND request->>'channel' = 'email' AND NOT cancelled
          AND (request->>'requested_at')::timestamptz BETWEEN %s::timestamptz - interval '30 days' AND %s
        ORDER BY (request->>'requested_at')::timestamptz DESC LIMIT 1
        """,
        (list(people), before, before),
    ).fetchone()
    return SurveyRequested.model_validate(row[0]) if row else None


def is_first_reply(connection: Connection, reply_id: UUID) -> bool:
    """Whether a mail comes for the first time; remembers that it came."""
    return (
        connection.execute(
            "INSERT INTO mail_replies (reply_id) VALUES (%s) ON CONFLICT DO NOTHING", (reply_id,)
        ).rowcount
        == 1
    )


def _known(connection: Connection, keys: Sequence[str]) -> dict[str, Known]:
    rows = connection.execute(
        "SELECT person_key, strength, state FROM profiles WHERE person_key = ANY(%s)"
        " ORDER BY person_key FOR UPDATE",
        (list(keys),),
    ).fetchall()
    return {
        key: Known(Strength(strength), ProfileChanged.model_validate(state) if state else None)
        for key, strength, state in rows
    }
