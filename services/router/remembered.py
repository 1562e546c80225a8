"""SQL of what the router remembers of a person beside scores: open follow-ups, and what they were asked."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from services.router.facts import OpenFollowUps

Connection = psycopg.Connection[Any]

_OPEN_OF_PERSON_SQL = """
SELECT given.subject, count(*)
FROM unnest(%(subjects)b::text[], %(keys)b::text[]) AS given (subject, person_key)
JOIN follow_ups AS f
    ON f.person_key = given.person_key AND f.state <> 'resolved' AND f.subject <> given.subject
GROUP BY given.subject
"""
_OPEN_OF_ACCOUNT_SQL = """
SELECT given.subject, count(*)
FROM unnest(%(subjects)b::text[], %(keys)b::text[]) AS given (subject, account_id)
JOIN follow_ups AS f
    ON f.account_id = given.account_id AND f.state <> 'resolved' AND f.subject <> given.subject
GROUP BY given.subject
"""
_ASKED_SQL = """
SELECT given.subject, a.action, max(a.asked_at)
FROM unnest(%(subjects)b::text[], %(keys)b::text[]) AS given (subject, person_key)
JOIN asks AS a ON a.person_key = given.person_key AND a.subject <> given.subject
GROUP BY given.subject, a.action
"""
_NOTE_SQL = """
INSERT INTO asks (person_key, action, subject, asked_at)
SELECT person_key, action, subject, asked_at
FROM unnest(%(keys)b::text[], %(actions)b::text[], %(subjects)b::text[], %(moments)s::timestamptz[])
    AS given (person_key, action, subject, asked_at)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Ask:
    """That a person was asked something that may not come too often."""

    person_key: str
    action: str
    subject: str
    asked_at: datetime


def open_follow_ups(
    connection: Connection, persons: Mapping[str, Collection[str]], accounts: Mapping[str, str]
) -> dict[str, OpenFollowUps]:
    """How many follow-ups are open around each subject, its own left out; subjects without any are not named.

    `persons` and `accounts` are the person's keys and the account of each subject.
    """
    of_person = dict(connection.execute(_OPEN_OF_PERSON_SQL, _pairs(persons)).fetchall())
    of_account = dict(
        connection.execute(
            _OPEN_OF_ACCOUNT_SQL, {"subjects": list(accounts), "keys": list(accounts.values())}
        ).fetchall()
    )
    return {
        subject: OpenFollowUps(person=of_person.get(subject, 0), account=of_account.get(subject, 0))
        for subject in of_person.keys() | of_account.keys()
    }


def asked(connection: Connection, persons: Mapping[str, Collection[str]]) -> dict[str, dict[str, datetime]]:
    """When each subject's person was last asked by other subjects, by action."""
    found: dict[str, dict[str, datetime]] = {}
    for subject, action, asked_at in connection.execute(_ASKED_SQL, _pairs(persons)):
        found.setdefault(subject, {})[action] = asked_at
    return found


def note_asks(connection: Connection, asks: Iterable[Ask]) -> None:
    """Remember that these were asked; noting one twice does no harm."""
    noted: Sequence[Ask] = list(asks)
    if noted:
        connection.execute(
            _NOTE_SQL,
            {
                "keys": [ask.person_key for ask in noted],
                "actions": [ask.action for ask in noted],
                "subjects": [ask.subject for ask in noted],
                "moments": [ask.asked_at for ask in noted],
            },
        )


def _pairs(persons: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    pairs = [(subject, key) for subject, keys in persons.items() for key in keys]
    return {"subjects": [subject for subject, _ in pairs], "keys": [key for _, key in pairs]}
