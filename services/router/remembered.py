"""SQL of what the router remembers of a person beside scores: open follow-ups, and what they were asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from services.router.facts import OpenFollowUps

Connection = psycopg.Connection[Any]

# A person's keys: the one that is given, the winner it was merged into, all that were merged into that.
_KEYS_SQL = """
SELECT given.subject, person.key
FROM unnest(%(subjects)b::text[], %(keys)b::text[]) AS given (subject, person_key)
LEFT JOIN profiles AS named ON named.person_key = given.person_key
CROSS JOIN LATERAL (
    SELECT given.person_key UNION SELECT named.merged_into WHERE named.merged_into IS NOT NULL
    UNION SELECT merged.person_key FROM profiles AS merged
    WHERE merged.merged_into = coalesce(named.merged_into, given.person_key)
) AS person (key)
"""
_OPEN_OF_PERSON_SQL = f"""
SELECT keys.subject, count(*) FROM ({_KEYS_SQL}) AS keys
JOIN follow_ups AS f ON f.person_key = keys.key AND f.state <> 'resolved' AND f.subject <> keys.subject
GROUP BY keys.subject
""".encode()  # noqa: S608 - put together from constants
_OPEN_OF_ACCOUNT_SQL = """
SELECT given.subject, count(*)
FROM unnest(%(subjects)b::text[], %(accounts)b::text[]) AS given (subject, account_id)
JOIN follow_ups AS f
    ON f.account_id = given.account_id AND f.state <> 'resolved' AND f.subject <> given.subject
GROUP BY given.subject
"""
_ASKED_SQL = f"""
SELECT keys.subject, a.action, max(a.asked_at) FROM ({_KEYS_SQL}) AS keys
JOIN asks AS a ON a.person_key = keys.key AND a.subject <> keys.subject
GROUP BY keys.subject, a.action
""".encode()  # noqa: S608 - put together from constants
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
    connection: Connection, persons: Mapping[str, str], accounts: Mapping[str, str]
) -> dict[str, OpenFollowUps]:
    """How many follow-ups are open around each subject, its own left out; subjects without any are not named.

    `persons` and `accounts` are the person key and the account of each subject.
    """
    of_person: dict[str, int] = _counted(
        connection, _OPEN_OF_PERSON_SQL, {"subjects": list(persons), "keys": list(persons.values())}
    )
    of_account: dict[str, int] = _counted(
        connection,
        _OPEN_OF_ACCOUNT_SQL.encode(),
        {"subjects": list(accounts), "accounts": list(accounts.values())},
    )
    return {
        subject: OpenFollowUps(person=of_person.get(subject, 0), account=of_account.get(subject, 0))
        for subject in of_person.keys() | of_account.keys()
    }


def asked(connection: Connection, persons: Mapping[str, str]) -> dict[str, dict[str, datetime]]:
    """When each subject's person was last asked by other subjects, by action."""
    found: dict[str, dict[str, datetime]] = {}
    rows = connection.execute(_ASKED_SQL, {"subjects": list(persons), "keys": list(persons.values())})
    for subject, action, asked_at in rows:
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


def _counted(connection: Connection, sql: bytes, values: Mapping[str, list[str]]) -> dict[str, int]:
    return dict(connection.execute(sql, values).fetchall())
