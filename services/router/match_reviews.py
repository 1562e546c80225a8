"""People whom several records outside match: a list for somebody to look through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from services.router.ledger import Completion

Connection = psycopg.Connection[Any]

_NOTE_SQL = """
INSERT INTO match_reviews (destination, person_key, candidates, subject)
VALUES (%(destination)s, %(person_key)s, %(candidates)s, %(subject)s)
ON CONFLICT (destination, person_key) DO UPDATE
    SET candidates = excluded.candidates, subject = excluded.subject, found_at = now()
"""
_LIST_SQL = """
SELECT destination, person_key, candidates, subject, found_at FROM match_reviews
ORDER BY found_at DESC, person_key LIMIT %(limit)s
"""
_SETTLE_SQL = "DELETE FROM match_reviews WHERE destination = %(destination)s AND person_key = %(person_key)s"
_COUNT_SQL = "SELECT destination, count(*) FROM match_reviews GROUP BY destination"


@dataclass(frozen=True, slots=True)
class Review:
    """A person, and the records (ids of the destination) that may be theirs. `subject`: the latest answer."""

    destination: str
    person_key: str
    candidates: list[str]
    subject: str
    found_at: datetime


def note(connection: Connection, destination: str, done: Sequence[Completion]) -> None:
    """Put those of these deliveries on the list that found several records; one entry a person."""
    found = [one for one in done if one.review]
    if not found:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            _NOTE_SQL,
            [
                {
                    "destination": destination,
                    "person_key": one.claimed.person_key,
                    "candidates": list(one.review),
                    "subject": one.claimed.subject,
                }
                for one in sorted(found, key=lambda one: one.claimed.person_key)
            ],
        )


def listed(connection: Connection, limit: int) -> list[Review]:
    """The latest entries."""
    cursor = connection.cursor(row_factory=class_row(Review))
    return cursor.execute(_LIST_SQL, {"limit": limit}).fetchall()


def settle(connection: Connection, destination: str, person_key: str) -> bool:
    """Take an entry off the list; False when there is none."""
    done = connection.execute(_SETTLE_SQL, {"destination": destination, "person_key": person_key})
    return done.rowcount > 0


def counts(connection: Connection) -> dict[str, int]:
    """Entries by destination."""
    return dict(connection.execute(_COUNT_SQL).fetchall())
