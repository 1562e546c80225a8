"""People and accounts as rows of PostgreSQL, and who is one person."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection

from schemas.accounts import AccountChanged
from schemas.event import Event
from schemas.profiles import ProfileChanged, ProfileErased

_ENSURE_SQL = "INSERT INTO people (person) SELECT unnest(%b::text[]) ON CONFLICT DO NOTHING"
# Two look-ups: a condition with OR would be looked for in all people.
_KEYS_SQL = """
SELECT person, merged_into, forgotten_at FROM people WHERE person = ANY(%(keys)b)
UNION SELECT winner.person, winner.merged_into, winner.forgotten_at
FROM people JOIN people AS winner ON winner.person = people.merged_into WHERE people.person = ANY(%(keys)b)
"""
_KNOWN_SQL = "SELECT count(*) FROM people WHERE person = ANY(%s) AND version > 0"
_ERASE_SQL = """
UPDATE people SET version = 0, account_id = NULL, name = NULL, email = NULL, segment = NULL, cohort = NULL,
    role = NULL, stage = NULL, products = '{}', internal = false, lost_since = NULL, wishes = '{}',
    erased_at = greatest(people.erased_at, given.erased_at)
FROM unnest(%b::text[], %b::timestamptz[]) AS given (person, erased_at)
WHERE people.person = given.person
  AND (people.erased_at IS NULL OR people.erased_at < given.erased_at)
RETURNING people.person
"""
_FORGOTTEN_SQL = """
WITH given AS (
    SELECT coalesce(merged_into, person) AS person, max(given.erased_at) AS erased_at
    FROM people JOIN unnest(%b::text[], %b::timestamptz[]) AS given (person, erased_at) USING (person)
    GROUP BY 1
)
UPDATE people SET forgotten_at = greatest(people.forgotten_at, given.erased_at) FROM given
WHERE people.person = given.person
"""
_PROFILES_SQL = """
UPDATE people SET version = given.version, account_id = given.account_id, name = given.name,
    email = given.email, segment = given.segment, cohort = given.cohort, role = given.role,
    stage = given.stage, products = ARRAY(SELECT json_array_elements_text(given.products::json)),
    wishes = ARRAY(SELECT json_array_elements_text(given.wishes::json)), internal = given.internal
FROM unnest(%b::text[], %b::bigint[], %b::timestamptz[], %b::text[], %b::text[], %b::text[], %b::text[],
            %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::boolean[])
     AS given (person, version, changed_at, account_id, name, email, segment, cohort, role, stage, products,
               wishes, internal)
WHERE people.person = given.person AND people.version < given.version
  AND (people.erased_at IS NULL OR people.erased_at < given.changed_at)
RETURNING people.person
"""
_ACCOUNTS_SQL = """
INSERT INTO accounts AS known (account_id, version, name, owner, csm, segment, stage, arr, currency,
    renewal_date, health)
SELECT * FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
                     %b::float8[], %b::text[], %b::date[], %b::text[])
ON CONFLICT (account_id) DO UPDATE SET
    version = excluded.version, name = excluded.name, owner = excluded.owner, csm = excluded.csm,
    segment = excluded.segment, stage = excluded.stage, arr = excluded.arr, currency = excluded.currency,
    renewal_date = excluded.renewal_date, health = excluded.health
WHERE known.version < excluded.version
RETURNING account_id
"""
# Of a person without a profile only the answers know the account.
_MEMBERS_SQL = """
SELECT person FROM people WHERE account_id = ANY(%(accounts)s)
UNION SELECT person FROM answers WHERE account_id = ANY(%(accounts)s)
"""
_FOLD_SQL: Sequence[LiteralString] = (
    "UPDATE answers SET person = %(winner)s WHERE person = %(old)s",
    "UPDATE requests SET person = %(winner)s WHERE person = %(old)s",
    "UPDATE outcomes SET person = %(winner)s WHERE person = %(old)s",
    "UPDATE corrections SET person = %(winner)s WHERE person = %(old)s",
    "UPDATE follow_ups SET person = %(winner)s WHERE person = %(old)s",
    "UPDATE happenings SET person = %(winner)s WHERE person = %(old)s",
    "UPDATE people SET merged_into = %(winner)s WHERE person = %(old)s OR merged_into = %(old)s",
    "UPDATE people SET forgotten_at = greatest(people.forgotten_at, old.forgotten_at)"
    " FROM people AS old WHERE people.person = %(winner)s AND old.person = %(old)s",
)


class Keys:
    """Which key stands for whom: that which others were folded into.

    To forget one key is to forget the person under every key they ever had, whenever it came to light that
    the keys are theirs.
    """

    def __init__(self, rows: Iterable[tuple[str, str | None, datetime | None]]) -> None:
        known = list(rows)
        self._winners = {person: winner for person, winner, _ in known if winner is not None}
        self._forgotten = {person: at for person, _, at in known if at is not None}

    def winner(self, key: str) -> str:
        """The key that all of this person's history stands under."""
        return self._winners.get(key, key)

    def fold(self, old: str, winner: str) -> None:
        """Sends `old`, and what was folded into it, to `winner`."""
        for key, earlier in self._winners.items():
            if earlier == old:
                self._winners[key] = winner
        self._winners[old] = winner
        times = [self._forgotten[key] for key in (old, winner) if key in self._forgotten]
        if times:
            self._forgotten[winner] = max(times)

    def is_forgotten(self, key: str, received_at: datetime) -> bool:
        """Whether what was received then from that key's person is gone."""
        at = self._forgotten.get(self.winner(key))
        return at is not None and received_at <= at


def ensure(connection: Connection[Any], keys: Collection[str]) -> None:
    """Gives unknown keys a row."""
    connection.execute(_ENSURE_SQL, (sorted(keys),))


def keys_among(connection: Connection[Any], keys: Collection[str]) -> Keys:
    """What is known of these keys, and of those that they were folded into."""
    return Keys(connection.execute(_KEYS_SQL, {"keys": sorted(keys)}))


def all_keys(connection: Connection[Any], keys: Collection[str]) -> set[str]:
    """These keys, those they were folded into, and those that were folded into them."""
    known = {*keys, *(keys_among(connection, keys).winner(key) for key in keys)}
    rows = connection.execute("SELECT person FROM people WHERE merged_into = ANY(%s)", (sorted(known),))
    return known | {person for (person,) in rows}


def known_among(connection: Connection[Any], keys: Collection[str]) -> int:
    """How many of these keys have a profile here."""
    [(count,)] = connection.execute(_KNOWN_SQL, (sorted(keys),)).fetchall()
    return int(count)


def erase(connection: Connection[Any], erased: Collection[ProfileErased]) -> set[str]:
    """Forgets who people are and remembers when; returns whom it had not forgotten yet."""
    if not erased:
        return set()
    values = ([one.person_key for one in erased], [one.erased_at for one in erased])
    connection.execute(_FORGOTTEN_SQL, values)
    return {person for (person,) in connection.execute(_ERASE_SQL, values)}


def put_profiles(connection: Connection[Any], profiles: Collection[ProfileChanged]) -> set[str]:
    """Takes over the profiles that are newer than what is known; returns whose."""
    if not profiles:
        return set()
    names = (
        *("person_key", "version", "changed_at", "account_id", "name", "email"),
        *("segment", "cohort", "role", "stage"),
    )
    rows = connection.execute(
        _PROFILES_SQL,
        (
            *_columns(profiles, names),
            [json.dumps(profile.products) for profile in profiles],
            [json.dumps(sorted({one.topic for one in profile.consents})) for profile in profiles],
            [profile.internal for profile in profiles],
        ),
    )
    return {person for (person,) in rows}


def put_accounts(connection: Connection[Any], accounts: Collection[AccountChanged]) -> set[str]:
    """Takes over the accounts that are newer than what is known; returns which."""
    if not accounts:
        return set()
    names = (
        *("account_id", "version", "name", "owner_email", "csm_email", "segment", "stage", "arr", "currency"),
        *("renewal_date", "health"),
    )
    return {account for (account,) in connection.execute(_ACCOUNTS_SQL, _columns(accounts, names))}


def members(connection: Connection[Any], accounts: Collection[str]) -> set[str]:
    """The people who belong to accounts."""
    if not accounts:
        return set()
    return {person for (person,) in connection.execute(_MEMBERS_SQL, {"accounts": sorted(accounts)})}


def fold(connection: Connection[Any], merges: Mapping[str, str], keys: Keys) -> set[str]:
    """Moves all that is known of merged keys to their winners; returns the winners of what moved."""
    winners = set()
    for old, into in merges.items():
        winner = keys.winner(into)
        if keys.winner(old) != winner:
            for statement in _FOLD_SQL:
                connection.execute(statement, {"old": old, "winner": winner})
            keys.fold(old, winner)
            winners.add(winner)
    return winners


def _columns(events: Collection[Event], names: Iterable[str]) -> list[list[object]]:
    return [[getattr(event, name) for event in events] for name in names]
