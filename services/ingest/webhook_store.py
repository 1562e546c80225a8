"""SQL of what the webhooks' worker remembers: first receipts, answers as last mapped, answers to fetch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from schemas.raw import WebhookReceived
from schemas.responses import ResponseRecorded
from services.ingest.store import Connection

_FIRST_RECEIPTS_SQL = """
INSERT INTO webhook_receipts AS known (raw_id, source, received_at)
SELECT DISTINCT ON (raw_id) * FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[])
    AS given (raw_id, source, at)
ORDER BY raw_id, at
ON CONFLICT (raw_id) DO UPDATE SET received_at = least(known.received_at, excluded.received_at)
RETURNING raw_id, received_at
"""


@dataclass(frozen=True, slots=True)
class ToFetch:
    """A call whose answer has to be fetched; `attempts` counts those before this one."""

    raw: WebhookReceived
    attempts: int


def first_receipts(connection: Connection, raws: Sequence[WebhookReceived]) -> Mapping[UUID, datetime]:
    """When each call came for the first time: a redelivery keeps that."""
    rows = connection.execute(
        _FIRST_RECEIPTS_SQL,
        ([raw.raw_id for raw in raws], [raw.source for raw in raws], [raw.received_at for raw in raws]),
    ).fetchall()
    return dict(rows)


def said_by(connection: Connection, raw_id: UUID, person_key: str) -> None:
    """Notes whose words a call holds, so that they can be erased."""
    connection.execute("UPDATE webhook_receipts SET person_key = %s WHERE raw_id = %s", (person_key, raw_id))


def lock_response(connection: Connection, response_id: UUID) -> ResponseRecorded | None:
    """The response as last mapped; locks the row, made where there was none, until the transaction ends."""
    connection.execute(
        "INSERT INTO webhook_responses (response_id) VALUES (%s) ON CONFLICT DO NOTHING", (response_id,)
    )
    row = connection.execute(
        "SELECT state FROM webhook_responses WHERE response_id = %s FOR UPDATE", (response_id,)
    ).fetchone()
    return ResponseRecorded.model_validate(row[0]) if row and row[0] else None


def put_response(connection: Connection, response: ResponseRecorded) -> None:
    """Replaces the state of a locked row."""
    connection.execute(
        "UPDATE webhook_responses SET state = %s, person_key = %s WHERE response_id = %s",
        (Jsonb(response.model_dump(mode="json")), response.person_key, response.response_id),
    )


def owe_fetch(connection: Connection, raw: WebhookReceived) -> None:
    """Has the call's answer fetched; a call that waits already keeps its place."""
    connection.execute(
        "INSERT INTO webhook_fetches (raw_id, call) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (raw.raw_id, Jsonb(raw.model_dump(mode="json"))),
    )


def claim_fetch(connection: Connection, lease: timedelta) -> ToFetch | None:
    """The call that has waited longest; nobody else gets it within the lease."""
    row = connection.execute(
        """
        UPDATE webhook_fetches SET due_at = clock_timestamp() + %s, attempts = attempts + 1
        WHERE raw_id = (SELECT raw_id FROM webhook_fetches WHERE due_at <= statement_timestamp()
                        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING call, attempts - 1
        """,
        (lease,),
    ).fetchone()
    return ToFetch(WebhookReceived.model_validate(row[0]), row[1]) if row else None


def postpone_fetch(connection: Connection, raw_id: UUID, by: timedelta) -> None:
    """Has it tried again later."""
    connection.execute(
        "UPDATE webhook_fetches SET due_at = clock_timestamp() + %s WHERE raw_id = %s", (by, raw_id)
    )


def end_fetch(connection: Connection, raw_id: UUID) -> None:
    """It needs no fetching any more."""
    connection.execute("DELETE FROM webhook_fetches WHERE raw_id = %s", (raw_id,))


def fetches_owed(connection: Connection) -> int:
    """How many answers wait to be fetched."""
    row = connection.execute("SELECT count(*) FROM webhook_fetches").fetchone()
    return row[0] if row else 0
