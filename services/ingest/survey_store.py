"""SQL of survey requests and their answers. Callers own the transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.responses import FurtherAnswer
from services.ingest.store import Connection
from services.ingest.surveys import Answer, SurveyState

SURVEY_SQL = """
SELECT request_id, request, cancelled, score, comment, revision, first_answered_at, answered_at, further,
    provisional, retracted, sent_at
FROM survey_requests WHERE
"""
"""Ends where a condition begins."""


def survey(connection: Connection, request_id: UUID, *, lock: bool = False) -> SurveyState | None:
    """What is known of a survey request; with `lock` nobody else can answer it until the transaction ends."""
    tail = " FOR UPDATE" if lock else ""
    row = connection.execute(f"{SURVEY_SQL} request_id = %s{tail}", (request_id,)).fetchone()
    return state_of(row) if row else None


def lock_unfinished(connection: Connection, answered_before: datetime, *, limit: int) -> list[SurveyState]:
    """Requests with a score sent before then and a page not finished, none that another one has locked."""
    due = "provisional AND answered_at < %s ORDER BY answered_at LIMIT %s FOR UPDATE SKIP LOCKED"
    rows = connection.execute(f"{SURVEY_SQL} {due}", (answered_before, limit)).fetchall()
    return [state_of(row) for row in rows]


def put_answer(connection: Connection, request_id: UUID, answer: Answer) -> None:
    """Replaces the answer of a locked request."""
    connection.execute(
        "UPDATE survey_requests SET score = %s, comment = %s, revision = %s, first_answered_at = %s,"
        " answered_at = %s, further = %s, provisional = %s, retracted = %s WHERE request_id = %s",
        (
            answer.score,
            answer.comment,
            answer.revision,
            answer.first_answered_at,
            answer.answered_at,
            Jsonb(answer.further.model_dump(mode="json")) if answer.further else None,
            answer.provisional,
            answer.retracted,
            request_id,
        ),
    )


def project_requests(
    connection: Connection, events: Sequence[SurveyRequested | SurveyRequestCancelled]
) -> None:
    """Brings survey requests up to date; lower versions are ignored and a cancelled request never reopens."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO survey_requests AS known (request_id, version, request, cancelled)
            VALUES (%s, %s, %s, %s)
            ON CONFLICT (request_id) DO UPDATE SET
                version = greatest(known.version, excluded.version),
                request = CASE WHEN excluded.request IS NOT NULL
                                    AND (known.request IS NULL OR excluded.version > known.version)
                               THEN excluded.request ELSE known.request END,
                cancelled = known.cancelled OR excluded.cancelled
            """,
            [_row(event) for event in events],
        )


def put_sent(connection: Connection, sent: Sequence[tuple[UUID, datetime]]) -> None:
    """Keeps when invitations were sent; of a survey that was sent again, the first time."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO survey_requests AS known (request_id, version, sent_at) VALUES (%s, 0, %s)
            ON CONFLICT (request_id) DO UPDATE SET sent_at = least(known.sent_at, excluded.sent_at)
            """,
            sent,
        )


def state_of(row: tuple[Any, ...]) -> SurveyState:
    """The survey in a row that `SURVEY_SQL` selected."""
    request_id, request, cancelled, score, comment, revision, first_at, at, further, *rest = row
    provisional, retracted, sent_at = rest
    return SurveyState(
        request_id=request_id,
        request=SurveyRequested.model_validate(request) if request else None,
        cancelled=cancelled,
        answer=None
        if score is None
        else Answer(
            score=score,
            comment=comment,
            revision=revision,
            first_answered_at=first_at,
            answered_at=at,
            further=FurtherAnswer.model_validate(further) if further else None,
            provisional=provisional,
            retracted=retracted,
        ),
        sent_at=sent_at,
    )


def _row(event: SurveyRequested | SurveyRequestCancelled) -> tuple[UUID, int, Jsonb | None, bool]:
    if isinstance(event, SurveyRequestCancelled):
        return (event.request_id, event.version, None, True)
    return (event.request_id, event.version, Jsonb(event.model_dump(mode="json")), False)
