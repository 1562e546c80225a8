"""SQL of surveys that wait to be shown in the product. Callers own the transaction."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from psycopg.sql import SQL

from services.ingest.store import Connection
from services.ingest.survey_store import SURVEY_SQL, state_of
from services.ingest.surveys import SurveyState
from services.ingest.widget import CHANNEL, MOST_SHOWN

NOT_ELSEWHERE_FOR = timedelta(hours=24)
"""How long nobody else shows a survey that one tab has shown."""
_AT_MOST = 5

_WAITING = "declined_at IS NULL AND NOT cancelled AND (score IS NULL OR provisional OR retracted)"
# A tab that shows a survey may go on showing it; another one may not before its time is over.
_FREE = "(shown_by IS NULL OR shown_by = %(tab)s OR shown_until < clock_timestamp() AND shown < %(most)s)"
_LOCK_SQL = SQL(
    "SELECT shown_by FROM survey_requests WHERE request_id = %(id)s AND {waiting} AND {free} FOR UPDATE"
).format(waiting=SQL(_WAITING), free=SQL(_FREE))
_DECLINE_SQL = SQL(
    "UPDATE survey_requests SET declined_at = clock_timestamp() WHERE request_id = %s AND {waiting}"
).format(waiting=SQL(_WAITING))


def waiting_for(connection: Connection, person_keys: Sequence[str], tab: str) -> list[SurveyState]:
    """Surveys that a tab of the person of these keys may show, those that were asked first in front."""
    rows = connection.execute(
        f"{SURVEY_SQL} request->>'person_key' = ANY(%(keys)s) AND request->>'channel' = %(channel)s"
        f" AND {_WAITING} AND {_FREE} ORDER BY request->>'requested_at' LIMIT %(limit)s",
        {"keys": list(person_keys), "channel": CHANNEL, "tab": tab, "most": MOST_SHOWN, "limit": _AT_MOST},
    ).fetchall()
    return [state_of(row) for row in rows]


def claim(connection: Connection, request_id: UUID, tab: str) -> bool | None:
    """Lets one tab show a survey: True the first time, False when it shows it already; None: it may not."""
    before = connection.execute(_LOCK_SQL, {"id": request_id, "tab": tab, "most": MOST_SHOWN}).fetchone()
    if before is None:
        return None
    is_new: bool = before[0] != tab
    connection.execute(
        "UPDATE survey_requests SET shown_by = %s, shown_until = clock_timestamp() + %s, shown = shown + %s"
        " WHERE request_id = %s",
        (tab, NOT_ELSEWHERE_FOR, int(is_new), request_id),
    )
    return is_new


def decline(connection: Connection, request_id: UUID) -> bool:
    """The person does not want to answer; False when that is known, or they have answered."""
    return connection.execute(_DECLINE_SQL, (request_id,)).rowcount > 0
