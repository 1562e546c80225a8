"""SQL of storms: which cards a place was given lately, and the storms it had."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from services.router.storm import WINDOW, Scope, Shown, Storm

Connection = psycopg.Connection[Any]


class Place(NamedTuple):
    """Where cards are shown: a channel of a destination."""

    destination: str
    name: str


@dataclass(frozen=True, slots=True)
class CardRow:
    """A card planned for a place; `storm` is the number of the storm that has it."""

    place: Place
    subject: str
    action: str
    card: Shown
    account_name: str | None
    group: str | None
    storm: int | None


@dataclass(frozen=True, slots=True)
class Totals:
    """What a storm has gathered."""

    people: int
    accounts: tuple[str, ...]
    """Names of the accounts with the most cards, at most five."""
    groups: dict[str, int]
    """Cards by group."""


# Two planners of one place follow one another.
_LOCK_SQL = """
SELECT pg_advisory_xact_lock(hashtextextended('storm ' || destination || ' ' || place, 0))
FROM (SELECT * FROM unnest(%(destinations)b::text[], %(places)b::text[]) AS given (destination, place)
    ORDER BY destination, place) AS ordered
"""
_RECENT_SQL = """
SELECT person_key, account_id, shown_at FROM shown_cards
WHERE destination = %(destination)s AND place = %(place)s AND shown_at > %(since)s
ORDER BY shown_at DESC LIMIT %(most)s
"""
_STORMS_SQL = """
SELECT number, account_id, last_at FROM storms WHERE destination = %(destination)s AND place = %(place)s
ORDER BY number DESC LIMIT 20
"""
_SHOW_SQL = """
INSERT INTO shown_cards (destination, place, subject, action, person_key, account_id, account_name, grp,
    shown_at, storm)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_STORM_SQL = """
INSERT INTO storms (destination, place, number, account_id, began_at, last_at)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (destination, place, number) DO UPDATE SET last_at = excluded.last_at
"""
_TOTALS_SQL = """
SELECT count(DISTINCT person_key),
    (SELECT coalesce(array_agg(account_name ORDER BY cards DESC, account_name), '{}') FROM (
        SELECT account_name, count(*) AS cards FROM shown_cards
        WHERE destination = %(destination)s AND place = %(place)s AND storm = %(number)s
          AND account_name IS NOT NULL
        GROUP BY account_name ORDER BY cards DESC, account_name LIMIT 5) AS largest),
    (SELECT coalesce(json_object_agg(grp, cards), '{}') FROM (
        SELECT coalesce(grp, 'no score') AS grp, count(*) AS cards FROM shown_cards
        WHERE destination = %(destination)s AND place = %(place)s AND storm = %(number)s
        GROUP BY 1) AS grouped)
FROM shown_cards WHERE destination = %(destination)s AND place = %(place)s AND storm = %(number)s
"""


def lock(connection: Connection, places: Sequence[Place]) -> None:
    """Hold these places until the transaction ends."""
    connection.execute(
        _LOCK_SQL,
        {"destinations": [place.destination for place in places], "places": [place.name for place in places]},
    )


def recent(connection: Connection, place: Place, now: datetime, most: int) -> list[Shown]:
    """The latest cards of a place within the window, at most so many."""
    rows = connection.execute(
        _RECENT_SQL,
        {"destination": place.destination, "place": place.name, "since": now - WINDOW, "most": most},
    )
    return [Shown(*row) for row in rows]


def storms(connection: Connection, place: Place) -> list[Storm]:
    """The latest storms of a place, oldest first."""
    rows = connection.execute(_STORMS_SQL, {"destination": place.destination, "place": place.name}).fetchall()
    return [Storm(number, Scope(account_id), last_at) for number, account_id, last_at in reversed(rows)]


def write(connection: Connection, cards: Sequence[CardRow], storms: Sequence[tuple[Place, Storm]]) -> None:
    """Keep the cards, and the storms as they are now."""
    with connection.cursor() as cursor:
        cursor.executemany(
            _SHOW_SQL,
            [
                (
                    *(*one.place, one.subject, one.action),
                    *(one.card.person_key, one.card.account_id, one.account_name, one.group),
                    *(one.card.at, one.storm),
                )
                for one in cards
            ],
        )
        cursor.executemany(
            _STORM_SQL,
            [
                (*place, storm.number, storm.scope.account_id, storm.last_at, storm.last_at)
                for place, storm in storms
            ],
        )


def totals(connection: Connection, place: Place, number: int) -> Totals:
    """What the storm has gathered."""
    values = {"destination": place.destination, "place": place.name, "number": number}
    ((people, accounts, groups),) = connection.execute(_TOTALS_SQL, values).fetchall()
    return Totals(people, tuple(accounts), groups)
