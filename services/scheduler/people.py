"""The people table: who can be asked, and one lock a person for everything that is decided about them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from schemas.profiles import ProfileChanged, ProfileErased
from services.scheduler.audience import ProfileFacts
from services.scheduler.intake import Merge, address_mark

# Nearly everybody is known, and finding that out by trying to insert costs four times as much.
_ENSURE_SQL = """
INSERT INTO people (person) SELECT given.person FROM unnest(%b::text[]) AS given (person)
WHERE NOT EXISTS (SELECT FROM people WHERE people.person = given.person)
ON CONFLICT DO NOTHING
"""
_LOCK_SQL = """
SELECT person, merged_into, erased_at IS NOT NULL FROM people WHERE person = ANY(%b)
ORDER BY person FOR UPDATE
"""

_PROFILES_SQL = """
UPDATE people SET
    profile_version = given.version, account_id = given.account_id, language = given.language,
    time_zone = given.time_zone, address_mark = given.address_mark, in_app = given.in_app,
    internal = given.internal, refuses_all = given.refuses_all,
    refuses = ARRAY(SELECT jsonb_array_elements_text(given.refuses)), facts = given.facts, erased_at = NULL
FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::boolean[], %s::boolean[], %s::boolean[], %s::jsonb[], %s::jsonb[])
     AS given (person, version, changed_at, account_id, language, time_zone, address_mark, in_app,
               internal, refuses_all, refuses, facts)
WHERE people.person = given.person
  AND CASE WHEN people.erased_at IS NULL THEN people.profile_version < given.version
           ELSE people.erased_at < given.changed_at END
RETURNING people.person
"""
_ERASE_SQL = """
UPDATE people SET profile_version = 0, account_id = NULL, address_mark = NULL, bounced_mark = NULL,
    in_app = false, time_zone = NULL, facts = '{}', erased_at = given.erased_at
FROM unnest(%s::text[], %s::timestamptz[]) AS given (person, erased_at) WHERE people.person = given.person
"""
# As an erasure, so that a row already forgotten is not counted again.
_KNOWN_SQL = (
    "SELECT count(*) FROM people WHERE person = ANY(%s) AND erased_at IS NULL AND profile_version > 0"
)
_FORGET_LATE_SQL = (
    "DELETE FROM lifecycle_events USING people WHERE people.person = ANY(%(keys)s)"
    " AND lifecycle_events.person = people.person AND occurred_at <= people.erased_at",
    "DELETE FROM answers USING people WHERE people.person = ANY(%(keys)s)"
    " AND answers.person = people.person AND answered_at <= people.erased_at",
)
# What was asked moves along; what was only planned is planned anew for the winner.
_FOLD_SQL = (
    "UPDATE lifecycle_events SET person = %(winner)s WHERE person = %(old)s",
    "DELETE FROM due_work WHERE person = %(old)s AND state <> 'asked'",
    "DELETE FROM due_work USING due_work AS moving"
    " WHERE due_work.person = %(winner)s AND moving.person = %(old)s"
    " AND due_work.program = moving.program AND due_work.occasion = moving.occasion",
    "UPDATE due_work SET person = %(winner)s WHERE person = %(old)s",
    "UPDATE requests SET person = %(winner)s WHERE person = %(old)s",
    "UPDATE answers SET person = %(winner)s WHERE person = %(old)s",
    "UPDATE decisions SET person = %(winner)s WHERE person = %(old)s",
    "UPDATE people SET unsubscribed_at = coalesce(people.unsubscribed_at, old.unsubscribed_at)"
    " FROM people AS old WHERE people.person = %(winner)s AND old.person = %(old)s",
    "UPDATE people SET merged_into = %(winner)s WHERE person = %(old)s OR merged_into = %(old)s",
)


_FACTS = set(ProfileFacts.model_fields) - {"language"}


class Winners(dict[str, str]):
    """Keys that were folded into another, with that one; every other key stands for itself."""

    def __init__(self, folded: Mapping[str, str] = MappingProxyType({}), erased: Iterable[str] = ()) -> None:
        super().__init__(folded)
        self.erased = set(erased)
        """Those of the people who had been forgotten when they were locked."""

    def __missing__(self, key: str) -> str:
        return key

    def fold(self, old: str, winner: str) -> None:
        """Sends `old`, and whatever was folded into it, to `winner`."""
        for key, earlier in self.items():
            if earlier == old:
                self[key] = winner
        self[old] = winner


def lock(connection: Connection[Any], keys: Iterable[str]) -> Winners:
    """Locks people until the transaction ends; unknown ones get a row.

    In one order, so that batches never wait for one another in a circle.
    """
    ordered = sorted(keys)
    connection.execute(_ENSURE_SQL, (ordered,))
    rows = connection.execute(_LOCK_SQL, (ordered,)).fetchall()
    folded = {person: merged_into for person, merged_into, _ in rows if merged_into is not None}
    if folded:
        rows += connection.execute(_LOCK_SQL, (sorted(set(folded.values())),)).fetchall()
    return Winners(folded, (person for person, _, is_erased in rows if is_erased))


def erase(connection: Connection[Any], erased: Collection[ProfileErased]) -> None:
    """Forgets what is known of people and remembers that they are not to be asked."""
    if erased:
        connection.execute(
            _ERASE_SQL, ([gone.person_key for gone in erased], [gone.erased_at for gone in erased])
        )


def known_among(connection: Connection[Any], keys: Iterable[str]) -> int:
    """How many of these people have a profile here."""
    [(count,)] = connection.execute(_KNOWN_SQL, (sorted(keys),)).fetchall()
    return int(count)


def forget_late(connection: Connection[Any], keys: Iterable[str]) -> None:
    """Drops what is from before the erasure of these people, as far as they are erased."""
    values = {"keys": sorted(keys)}
    if values["keys"]:
        for statement in _FORGET_LATE_SQL:
            connection.execute(statement, values)


def put_profiles(connection: Connection[Any], profiles: Collection[ProfileChanged]) -> set[str]:
    """Takes over the profiles that are newer than what is known; returns whose."""
    if not profiles:
        return set()
    rows = connection.execute(
        _PROFILES_SQL,
        (
            [profile.person_key for profile in profiles],
            [profile.version for profile in profiles],
            [profile.changed_at for profile in profiles],
            [profile.account_id for profile in profiles],
            [profile.language or "en" for profile in profiles],
            [profile.time_zone for profile in profiles],
            [address_mark(profile.email) for profile in profiles],
            [profile.customer_id is not None for profile in profiles],
            [profile.internal for profile in profiles],
            [profile.opted_out_of(None) for profile in profiles],
            [Jsonb([out.program for out in profile.opt_outs if out.program]) for profile in profiles],
            [Jsonb(profile.model_dump(include=_FACTS, exclude_none=True)) for profile in profiles],
        ),
    ).fetchall()
    return {person for (person,) in rows}


def fold_merged(connection: Connection[Any], merges: Sequence[Merge], winners: Winners) -> set[str]:
    """Moves all that is known of merged keys to their winners; adds them to `winners`, returns the new ones.

    An unsubscribe of either counts for both.
    """
    folded = set()
    for merge in merges:
        winner = winners[merge.winner]
        if merge.old != winner and winners[merge.old] != winner:
            for statement in _FOLD_SQL:
                connection.execute(statement, {"old": merge.old, "winner": winner})
            winners.fold(merge.old, winner)
            folded.add(winner)
    return folded
