"""SQL of the visits to surveys' pages. Callers own the transaction."""

from datetime import datetime, timedelta
from uuid import UUID

from services.ingest.store import Connection
from services.ingest.visits import Visit, Visitor

KEPT = timedelta(days=90)
_MOST_OF_ONE_SURVEY = 100

_ADD_SQL = """
INSERT INTO survey_visits (request_id, visited_at, score, unseen, head)
SELECT %(request_id)s, %(at)s, %(score)s, %(unseen)s, %(head)s
WHERE (SELECT count(*) FROM survey_visits WHERE request_id = %(request_id)s) < %(most)s
"""
_UNJUDGED_SQL = """
SELECT request_id FROM survey_requests WHERE request_id IN (
    SELECT request_id FROM survey_visits WHERE visitor IS NULL AND visited_at < %s LIMIT %s
) FOR UPDATE SKIP LOCKED
"""
_JUDGED_SQL = """
UPDATE survey_visits SET visitor = %s WHERE request_id = %s AND visited_at = %s AND visitor IS NULL
"""


def add(connection: Connection, request_id: UUID, visit: Visit) -> None:
    """Keeps a visit, up to so many of one survey that nothing is learned from more."""
    connection.execute(
        _ADD_SQL,
        {
            "request_id": request_id,
            "at": visit.at,
            "score": visit.score,
            "unseen": visit.unseen,
            "head": visit.head,
            "most": _MOST_OF_ONE_SURVEY,
        },
    )


def of_survey(connection: Connection, request_id: UUID) -> dict[Visit, Visitor | None]:
    """All visits to a survey's page, oldest first, with who made those that were judged."""
    rows = connection.execute(
        "SELECT visited_at, score, unseen, head, visitor FROM survey_visits WHERE request_id = %s"
        " ORDER BY visited_at",
        (request_id,),
    ).fetchall()
    return {Visit(*visit): Visitor(who) if who else None for *visit, who in rows}


def lock_unjudged(connection: Connection, visited_before: datetime, *, limit: int) -> list[UUID]:
    """Surveys with visits of before then that nobody judged; those that are locked elsewhere wait."""
    return [row[0] for row in connection.execute(_UNJUDGED_SQL, (visited_before, limit)).fetchall()]


def judge(connection: Connection, request_id: UUID, visit: Visit, who: Visitor) -> None:
    """Records who made a visit."""
    connection.execute(_JUDGED_SQL, (who, request_id, visit.at))


def forget(connection: Connection, now: datetime) -> None:
    """Deletes visits of longer ago than `KEPT`."""
    connection.execute("DELETE FROM survey_visits WHERE visited_at < %s", (now - KEPT,))
