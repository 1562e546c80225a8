"""Announcements as rows of PostgreSQL, and whom each would reach."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row
from pyroaring import BitMap

from services.insights.announcements import MOST_RECIPIENTS, Mail, Respondent
from services.insights.counting import Counting
from services.insights.filters import Filter

MOST_LISTED = 100

_KNOWN: LiteralString = """
SELECT announcement_id, answers, subject, words, drafted_by, drafted_at, approved_by, approved_at,
       (SELECT count(*) FROM announced WHERE announced.announcement_id = known.announcement_id) AS told
FROM announcements AS known
"""
_LIST_SQL = _KNOWN + "ORDER BY drafted_at DESC, announcement_id LIMIT %s"
_ONE_SQL = _KNOWN + "WHERE announcement_id = %s"
_DRAFT_SQL = """
INSERT INTO announcements (announcement_id, answers, subject, words, drafted_by, drafted_at)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_DISCARD_SQL = "DELETE FROM announcements WHERE announcement_id = %s AND approved_at IS NULL"
_APPROVE_SQL = """
UPDATE announcements SET approved_by = %s, approved_at = %s WHERE announcement_id = %s AND approved_at IS NULL
"""
_ANNOUNCED_SQL = "INSERT INTO announced SELECT %s, unnest(%s::text[]), %s"
# An unsubscribe counts under whichever key it came, and so does what somebody was told.
_RESPONDENTS_SQL: LiteralString = """
WITH fitting AS (
    SELECT person, max(responded_at) AS answered_at,
           (array_agg(response_id ORDER BY responded_at DESC, response_id DESC))[1] AS response_id
    FROM answers WHERE place = ANY(%(places)b) AND marks <> '{}'
    GROUP BY person
), keys AS (
    SELECT person, person AS key FROM fitting
    UNION ALL
    SELECT fitting.person, people.person FROM fitting JOIN people ON people.merged_into = fitting.person
), told AS (
    SELECT keys.person, max(announced_at) AS told_at
    FROM announced JOIN keys ON announced.person = keys.key GROUP BY keys.person
), wishes AS (
    SELECT keys.person, bool_or(refuses) AS refuses
    FROM mail_wishes JOIN keys ON mail_wishes.person = keys.key GROUP BY keys.person
)
SELECT fitting.person, people.email IS NOT NULL,
       CASE WHEN EXISTS (SELECT FROM happenings WHERE happenings.person = fitting.person AND kind = 'step'
                         AND facts ->> 'step' IN ('unsubscribed', 'complained'))
            THEN true ELSE wishes.refuses END,
       people.internal, people.erased_at IS NOT NULL AND people.version = 0, answered_at,
       response_id, told_at
FROM fitting JOIN people USING (person) LEFT JOIN told USING (person) LEFT JOIN wishes USING (person)
ORDER BY fitting.person
"""
_TOLD_SQL: LiteralString = """
SELECT winner.person, winner.name FROM announced
JOIN people ON people.person = announced.person
JOIN people AS winner ON winner.person = coalesce(people.merged_into, people.person)
WHERE announcement_id = %s ORDER BY winner.name NULLS LAST, winner.person LIMIT %s
"""


class TooMany(ValueError):
    """More answers fit than an announcement can be about."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A mail to those whose answers fit, drafted or sent."""

    announcement_id: UUID
    answers: str
    """The filter, as an address says it."""
    subject: str
    words: str
    drafted_by: str
    drafted_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    told: int
    """How many people it was sent to."""


def latest(connection: Connection[Any]) -> list[Announcement]:
    """Drafts and what was sent, the newest first."""
    return (
        connection.cursor(row_factory=class_row(Announcement)).execute(_LIST_SQL, (MOST_LISTED,)).fetchall()
    )


def one(connection: Connection[Any], announcement_id: UUID) -> Announcement | None:
    """The announcement of that id."""
    return (
        connection.cursor(row_factory=class_row(Announcement))
        .execute(_ONE_SQL, (announcement_id,))
        .fetchone()
    )


def draft(
    connection: Connection[Any], announcement_id: UUID, answers: str, mail: Mail, *, by: str, at: datetime
) -> None:
    """Keeps a draft; a form that is sent twice makes one."""
    connection.execute(_DRAFT_SQL, (announcement_id, answers, mail.subject, mail.words, by, at))


def discard(connection: Connection[Any], announcement_id: UUID) -> bool:
    """Throws a draft away; False: it was sent, or there is none."""
    return connection.execute(_DISCARD_SQL, (announcement_id,)).rowcount > 0


def respondents(connection: Connection[Any], counting: Counting, wanted: Filter) -> list[Respondent]:
    """Everybody whose counted answers fit, once each. Raises TooMany."""
    places = BitMap()
    for _, of_day in counting.newest_days(wanted):
        places |= of_day
        if len(places) > MOST_RECIPIENTS:
            raise TooMany(f"More than {MOST_RECIPIENTS:,} answers fit: choose fewer days, or a segment.")
    rows = connection.execute(_RESPONDENTS_SQL, {"places": places.to_array().tolist()})
    return [Respondent(*row) for row in rows]


def approve(
    connection: Connection[Any], announcement_id: UUID, persons: list[str], by: str, at: datetime
) -> bool:
    """Notes who let it go and to whom; False: somebody did before."""
    if connection.execute(_APPROVE_SQL, (by, at, announcement_id)).rowcount == 0:
        return False
    connection.execute(_ANNOUNCED_SQL, (announcement_id, persons, at))
    return True


def told(connection: Connection[Any], announcement_id: UUID) -> list[tuple[str, str | None]]:
    """Whom it was sent to, by key and name; of many the first."""
    return connection.execute(_TOLD_SQL, (announcement_id, MOST_LISTED)).fetchall()
