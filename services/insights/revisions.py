"""What answers said before they were changed, for whoever reads a customer's history."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from runtime.postgres import columns
from schemas.classified import ResponseClassified
from services.insights.standing import state_of

_SUPERSEDED_SQL = """
INSERT INTO revisions AS known
SELECT response_id, order_key[1], order_key[2], order_key[3], score, state, comment
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS given (response_id, revision, tie)
JOIN answers USING (response_id) LEFT JOIN words USING (response_id)
WHERE (order_key[1], order_key[2]) < (given.revision, given.tie)
ON CONFLICT (response_id, revision, tie) DO NOTHING
"""
_EARLIER_SQL = """
INSERT INTO revisions AS known
SELECT response_id, given.revision, given.tie, given.mapping, given.score, given.state, given.comment
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::smallint[], %s::text[], %s::text[])
     AS given (response_id, revision, tie, mapping, score, state, comment)
JOIN answers USING (response_id)
WHERE (given.revision, given.tie) < (order_key[1], order_key[2])
ON CONFLICT (response_id, revision, tie) DO UPDATE SET mapping_version = excluded.mapping_version,
    score = excluded.score, state = excluded.state, comment = excluded.comment
WHERE known.mapping_version < excluded.mapping_version
"""
_READ_SQL = """
SELECT response_id, revision, tie, score, comment FROM revisions WHERE response_id = ANY(%(answers)s)
UNION ALL
SELECT response_id, order_key[1], order_key[2], score, comment
FROM answers LEFT JOIN words USING (response_id)
WHERE response_id IN (SELECT response_id FROM revisions WHERE response_id = ANY(%(answers)s))
ORDER BY response_id, revision, tie
"""


@dataclass(frozen=True, slots=True)
class Revision:
    """An answer as it stood once."""

    response_id: UUID
    revision: int
    tie: int
    score: int | None
    comment: str | None

    @property
    def received_at(self) -> datetime:
        """When it was first received, UTC."""
        return datetime.fromtimestamp(self.tie / 1000, UTC)


def keep_superseded(connection: Connection[Any], coming: Collection[ResponseClassified]) -> None:
    """Keeps what stands now of answers that are about to be replaced by a later revision."""
    orders = [(one.response.response_id, *one.order_key()[:2]) for one in coming]
    connection.execute(_SUPERSEDED_SQL, columns(orders))


def keep_earlier(connection: Connection[Any], events: Collection[ResponseClassified]) -> None:
    """Keeps those that are earlier revisions of what stands now."""
    if not events:
        return
    newest: dict[tuple[UUID, int, int], ResponseClassified] = {}
    for event in sorted(events, key=ResponseClassified.order_key):
        newest[event.response.response_id, *event.order_key()[:2]] = event
    rows = [
        (
            event.response.response_id,
            *event.response.order.key(),
            event.response.score,
            state_of(event),
            event.response.comment,
        )
        for event in newest.values()
    ]
    connection.execute(_EARLIER_SQL, columns(rows))


def of(connection: Connection[Any], response_ids: Sequence[UUID]) -> dict[UUID, list[Revision]]:
    """All revisions of those answers that were changed, the oldest first."""
    found: dict[UUID, list[Revision]] = {}
    for row in connection.execute(_READ_SQL, {"answers": list(response_ids)}):
        one = Revision(*row)
        found.setdefault(one.response_id, []).append(one)
    return found
