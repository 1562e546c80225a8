"""What a delivery tells of other answers is what counts when it goes out, however long ago it was planned.

Contents are kept as planned. An earlier answer that is named in one may have been edited or withdrawn before
the call is made, or a later one may have come: it waited, was tried again, or both came in one batch.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from pydantic import ValidationError

from schemas.scales import Metric
from services.router import projections, score_store
from services.router.ledger import Claimed
from services.router.movement import Around, around
from services.router.plugins import AnyPlugin

Connection = psycopg.Connection[Any]
_ALONE = Around()
_END = datetime.max.replace(tzinfo=UTC)

_ANSWERED_SQL = """
SELECT DISTINCT ON (subject) subject, facts->'response'->>'metric', facts->'response'->>'responded_at'
FROM plans WHERE subject = ANY(%(subjects)s) AND facts ? 'response'
ORDER BY subject, revision DESC, tie DESC, mapping_version DESC, classification_version DESC
"""


def retold(connection: Connection, plugin: AnyPlugin, claimed: Sequence[Claimed]) -> list[Claimed]:
    """What was claimed, with what may be told by now. Nothing is written; what was erased stays without."""
    if plugin.by_now is None or not claimed:
        return list(claimed)
    known = _around(connection, claimed)
    return [_retold(one, known.get(one.subject, _ALONE), plugin) for one in claimed]


def _retold(claimed: Claimed, known: Around, plugin: AnyPlugin) -> Claimed:
    if plugin.by_now is None or not claimed.content:
        return claimed
    try:
        planned = plugin.content.model_validate(claimed.content)
    except ValidationError:  # the call says so of this delivery; the others go out
        return claimed
    return replace(claimed, content=plugin.by_now(planned, known).model_dump(mode="json"))


def _around(connection: Connection, claimed: Sequence[Claimed]) -> dict[str, Around]:
    persons = {one.subject: one.person_key for one in claimed}
    rows = connection.execute(_ANSWERED_SQL, {"subjects": list(persons)}).fetchall()
    if not rows:
        return {}
    identities = projections.identities_of(connection, {persons[row[0]] for row in rows})
    answers = [
        score_store.Asked(
            subject, identities[persons[subject]].keys, Metric(metric), datetime.fromisoformat(responded_at)
        )
        for subject, metric, responded_at in rows
    ]
    # Beside those before each answer the newest of all, in one statement.
    newest = [replace(one, responded_at=_END) for one in answers]
    found = score_store.earlier(connection, [*answers, *newest])
    return {
        one.subject: around(
            found.get(one.subject, ()),
            subject=one.subject,
            metric=one.metric,
            responded_at=one.responded_at,
        )
        for one in answers
    }
