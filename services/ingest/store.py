"""SQL of the ingest service's tables. Callers own the transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from schemas.accounts import AccountChanged
from schemas.profiles import ProfileChanged
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from services.ingest.surveys import Answer, SurveyState

Connection = psycopg.Connection[Any]

_SURVEY_SQL = """
SELECT request, cancelled, score, comment, revision, first_answered_at, answered_at
FROM survey_requests WHERE request_id = %s
"""
_LOCK_SURVEY_SQL = _SURVEY_SQL + "FOR UPDATE"


def lock_profile(connection: Connection, person_key: str) -> ProfileChanged | None:
    """The person's known state; locks the row, made where there was none, until the transaction ends."""
    connection.execute("INSERT INTO profiles (person_key) VALUES (%s) ON CONFLICT DO NOTHING", (person_key,))
    row = connection.execute(
        "SELECT state FROM profiles WHERE person_key = %s FOR UPDATE", (person_key,)
    ).fetchone()
    return ProfileChanged.model_validate(row[0]) if row and row[0] else None


def put_profile(connection: Connection, profile: ProfileChanged) -> None:
    """Replaces the state of a locked row."""
    connection.execute(
        "UPDATE profiles SET state = %s WHERE person_key = %s",
        (Jsonb(profile.model_dump(mode="json")), profile.person_key),
    )


def lock_account(connection: Connection, account_id: str) -> AccountChanged | None:
    """The account's known state; locks the row, made where there was none, until the transaction ends."""
    connection.execute("INSERT INTO accounts (account_id) VALUES (%s) ON CONFLICT DO NOTHING", (account_id,))
    row = connection.execute(
        "SELECT state FROM accounts WHERE account_id = %s FOR UPDATE", (account_id,)
    ).fetchone()
    return AccountChanged.model_validate(row[0]) if row and row[0] else None


def put_account(connection: Connection, account: AccountChanged) -> None:
    """Replaces the state of a locked row."""
    connection.execute(
        "UPDATE accounts SET state = %s WHERE account_id = %s",
        (Jsonb(account.model_dump(mode="json")), account.account_id),
    )


def keys_of(connection: Connection, person_key: str) -> tuple[str, ...]:
    """Every key that the person of this key is or was known by, this one included; sorted."""
    row = connection.execute(
        """
        SELECT winner.person_key, winner.state FROM profiles AS named
        JOIN profiles AS winner
            ON winner.person_key = coalesce(named.state ->> 'merged_into', named.person_key)
        WHERE named.person_key = %s
        """,
        (person_key,),
    ).fetchone()
    winner, state = row or (person_key, None)
    known = state or {}
    return tuple(sorted({person_key, winner, *known.get("aliases", ()), *known.get("merged_from", ())}))


def owed_for(connection: Connection, topic: str, key: str) -> list[int]:
    """Ids of the outbox's rows for this key that the relay still owes."""
    rows = connection.execute(
        "SELECT id FROM outbox WHERE topic = %s AND key = %s AND sent_at IS NULL AND refused_cause IS NULL",
        (topic, key.encode()),
    ).fetchall()
    return [row[0] for row in rows]


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


def survey(connection: Connection, request_id: UUID, *, lock: bool = False) -> SurveyState | None:
    """What is known of a survey request; with `lock` nobody else can answer it until the transaction ends."""
    row = connection.execute(_LOCK_SURVEY_SQL if lock else _SURVEY_SQL, (request_id,)).fetchone()
    if row is None:
        return None
    request, cancelled, *answer = row
    return SurveyState(
        request_id=request_id,
        request=SurveyRequested.model_validate(request) if request else None,
        cancelled=cancelled,
        answer=Answer(*answer) if answer[0] is not None else None,
    )


def put_answer(connection: Connection, request_id: UUID, answer: Answer) -> None:
    """Replaces the answer of a locked request."""
    connection.execute(
        "UPDATE survey_requests SET score = %s, comment = %s, revision = %s, first_answered_at = %s,"
        " answered_at = %s WHERE request_id = %s",
        (
            answer.score,
            answer.comment,
            answer.revision,
            answer.first_answered_at,
            answer.answered_at,
            request_id,
        ),
    )


def people_at(connection: Connection, email: str) -> list[str]:
    """Keys of the people whose profile has this (normalised) address."""
    rows = connection.execute(
        "SELECT person_key FROM profiles WHERE lower(state->>'email') = %s ORDER BY person_key", (email,)
    ).fetchall()
    return [row[0] for row in rows]


def latest_mailed(connection: Connection, people: Sequence[str], before: datetime) -> SurveyRequested | None:
    """The survey that these people were last asked by mail in the 30 days before."""
    row = connection.execute(
        """
        SELECT request FROM survey_requests
        WHERE request->>'person_key' = ANY(%s) AND request->>'channel' = 'email' AND NOT cancelled
          AND (request->>'requested_at')::timestamptz BETWEEN %s::timestamptz - interval '30 days' AND %s
        ORDER BY (request->>'requested_at')::timestamptz DESC LIMIT 1
        """,
        (list(people), before, before),
    ).fetchone()
    return SurveyRequested.model_validate(row[0]) if row else None


def is_first_reply(connection: Connection, reply_id: UUID) -> bool:
    """Whether a mail comes for the first time; remembers that it came."""
    return (
        connection.execute(
            "INSERT INTO mail_replies (reply_id) VALUES (%s) ON CONFLICT DO NOTHING", (reply_id,)
        ).rowcount
        == 1
    )


def _row(event: SurveyRequested | SurveyRequestCancelled) -> tuple[UUID, int, Jsonb | None, bool]:
    if isinstance(event, SurveyRequestCancelled):
        return (event.request_id, event.version, None, True)
    return (event.request_id, event.version, Jsonb(event.model_dump(mode="json")), False)
