"""What the router keeps of profiles and accounts: their latest full state, and how far it has read them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from runtime.cloudevents import decode_or_gone
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.postgres import array
from schemas.accounts import AccountChanged
from schemas.profiles import ProfileChanged, ProfileErased
from services.router import schedule

TOPICS = (ProfileChanged.TOPIC, AccountChanged.TOPIC)
LONGEST_MERGE_CHAIN = 8

Connection = psycopg.Connection[Any]

# A lower version never replaces a higher one; an erasure replaces any.
_PROFILES_SQL = """
INSERT INTO profiles AS p (person_key, version, erased, merged_into, account_id, opt_outs, state)
SELECT person_key, version, erased, merged_into, account_id, opt_outs::text[], state::jsonb
FROM unnest(%(keys)b::text[], %(versions)s::bigint[], %(erased)s::boolean[], %(merged)b::text[],
    %(accounts)b::text[], %(opt_outs)b::text[], %(states)b::text[])
    AS given (person_key, version, erased, merged_into, account_id, opt_outs, state)
ON CONFLICT (person_key) DO UPDATE SET
    version = greatest(p.version, excluded.version), erased = excluded.erased, merged_into =
    excluded.merged_into, account_id = excluded.account_id, opt_outs = excluded.opt_outs, state =
    excluded.state
WHERE excluded.erased OR excluded.version > p.version
"""

# Merges can arrive in any order; every loser is made to name the final winner.
_FOLD_MERGES_SQL = """
UPDATE profiles AS loser SET merged_into = winner.merged_into
FROM profiles AS winner
WHERE winner.person_key = loser.merged_into AND winner.merged_into IS NOT NULL
  AND winner.merged_into <> loser.person_key
  AND (loser.person_key = ANY(%(keys)s) OR winner.person_key = ANY(%(keys)s))
"""

_ACCOUNTS_SQL = """
INSERT INTO accounts AS a (account_id, version, state)
SELECT account_id, version, state::jsonb
FROM unnest(%(ids)b::text[], %(versions)s::bigint[], %(states)b::text[]) AS given (account_id, version, state)
ON CONFLICT (account_id) DO UPDATE SET version = excluded.version, state = excluded.state
WHERE excluded.version > a.version
"""

_PROGRESS_SQL = """
INSERT INTO projection_progress AS p (topic, partition, next_offset)
SELECT topic, partition, next_offset
FROM unnest(%(topics)b::text[], %(partitions)s::int[], %(offsets)s::bigint[]) AS given (topic, partition,
next_offset) ORDER BY topic, partition ON CONFLICT (topic, partition) DO UPDATE SET next_offset =
greatest(p.next_offset, excluded.next_offset)
"""

# Each key's profile, the winner's where it was merged, none for the erased; and what else the person was
# merged into, or from.
_IDENTITIES_SQL = """
SELECT given.person_key,
    CASE WHEN NOT (named.erased OR coalesce(winner.erased, false))
        THEN coalesce(winner.state, named.state)::text END,
    named.merged_into,
    ARRAY(SELECT merged.person_key FROM profiles AS merged
        WHERE merged.merged_into = coalesce(named.merged_into, given.person_key))
FROM unnest(%(keys)b::text[]) AS given (person_key)
LEFT JOIN profiles AS named ON named.person_key = given.person_key
LEFT JOIN profiles AS winner ON winner.person_key = named.merged_into
"""
_READ_ACCOUNTS_SQL = "SELECT account_id, state::text FROM accounts WHERE account_id = ANY(%(ids)s)"


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A profile as it is kept."""

    version: int
    is_erased: bool
    merged_into: str | None
    account_id: str | None
    opt_outs: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a person key is: `profile` is the winner's where it was merged; `keys` are all of the person's."""

    profile: ProfileChanged | None
    keys: frozenset[str]


Change = ProfileChanged | AccountChanged | ProfileErased
_MODELS: dict[str, type[ProfileChanged | AccountChanged]] = {
    ProfileChanged.TYPE: ProfileChanged,
    AccountChanged.TYPE: AccountChanged,
}


def decode(record: Record) -> Change:
    """A change of a profile or an account; raises runtime.cloudevents.Undecodable."""
    return decode_or_gone(record, _MODELS, {ProfileChanged.TOPIC: ProfileErased})


def project(connection: Connection, delivered: Sequence[Delivered[Change]]) -> None:
    """Keep the latest states of a batch, and the batch's offsets, in the caller's transaction."""
    profiles: dict[str, ProfileRow] = {}
    accounts: dict[str, AccountChanged] = {}
    offsets: dict[tuple[str, int], int] = {}
    for one in delivered:
        match one.event:
            case AccountChanged() as account:
                known = accounts.get(account.account_id)
                if known is None or account.version > known.version:
                    accounts[account.account_id] = account
            case change:
                profiles[change.person_key] = fold(profiles.get(change.person_key), change)
        offsets[one.record.topic, one.record.partition] = one.record.offset + 1
    if profiles:
        _write_profiles(connection, profiles)
        refusing = sorted(key for key, row in profiles.items() if row.opt_outs)
        if refusing:
            schedule.end_of_person(connection, keys_of(connection, refusing), "opt_out")
    if accounts:
        connection.execute(
            _ACCOUNTS_SQL,
            {
                "ids": list(accounts),
                "versions": [account.version for account in accounts.values()],
                "states": [account.model_dump_json(exclude_none=True) for account in accounts.values()],
            },
        )
    connection.execute(
        _PROGRESS_SQL,
        {
            "topics": [topic for topic, _ in offsets],
            "partitions": [partition for _, partition in offsets],
            "offsets": list(offsets.values()),
        },
    )


def fold(known: ProfileRow | None, change: ProfileChanged | ProfileErased) -> ProfileRow:
    """The row after a change. A tombstone has no version of its own."""
    if isinstance(change, ProfileErased):
        erased = ProfileRow(0, is_erased=True, merged_into=None, account_id=None, opt_outs=(), state="{}")
        return erased if known is None else replace(erased, version=known.version)
    if known is not None and change.version <= known.version:
        return known
    return ProfileRow(
        version=change.version,
        is_erased=False,
        merged_into=change.merged_into,
        account_id=change.account_id,
        opt_outs=tuple(out.program or "*" for out in change.opt_outs),
        state=change.model_dump_json(exclude_none=True),
    )


def identities_of(connection: Connection, keys: Collection[str]) -> dict[str, Identity]:
    """Who each of these keys is."""
    rows = connection.execute(_IDENTITIES_SQL, {"keys": list(keys)})
    return {
        key: Identity(
            ProfileChanged.model_validate_json(state) if state else None,
            frozenset(filter(None, (key, winner, *merged))),
        )
        for key, state, winner, merged in rows
    }


def keys_of(connection: Connection, keys: Collection[str]) -> list[str]:
    """All keys that these people are known by, sorted."""
    return sorted(frozenset[str]().union(*(one.keys for one in identities_of(connection, keys).values())))


def accounts_of(connection: Connection, ids: Sequence[str]) -> Mapping[str, AccountChanged]:
    """The accounts with these ids."""
    if not ids:
        return {}
    rows = connection.execute(_READ_ACCOUNTS_SQL, {"ids": list(ids)})
    return {account_id: AccountChanged.model_validate_json(state) for account_id, state in rows}


def _write_profiles(connection: Connection, profiles: Mapping[str, ProfileRow]) -> None:
    keys = sorted(profiles)
    rows = [profiles[key] for key in keys]
    connection.execute(
        _PROFILES_SQL,
        {
            "keys": keys,
            "versions": [row.version for row in rows],
            "erased": [row.is_erased for row in rows],
            "merged": [row.merged_into for row in rows],
            "accounts": [row.account_id for row in rows],
            "opt_outs": [array(row.opt_outs) for row in rows],
            "states": [row.state for row in rows],
        },
    )
    for _ in range(LONGEST_MERGE_CHAIN):
        if connection.execute(_FOLD_MERGES_SQL, {"keys": keys}).rowcount == 0:
            return
