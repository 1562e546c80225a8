"""SQL of the scores that people gave: what came before an answer. One statement a batch."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from schemas.scales import Metric
from services.router.movement import SHOWN_BEFORE, Score

Connection = psycopg.Connection[Any]

READ_AT_MOST = SHOWN_BEFORE + 5
"""Some of what is read may be told anew in the same batch."""

_EARLIER_SQL = """
SELECT given.subject, found.subject, found.score, found.responded_at
FROM unnest(%(subjects)b::text[], %(keys)b::text[], %(metrics)b::text[], %(moments)s::timestamptz[])
    AS given (subject, person_key, metric, responded_at)
CROSS JOIN LATERAL (
    SELECT subject, score, responded_at FROM scores
    WHERE person_key = given.person_key AND metric = given.metric
      AND (responded_at, subject) < (given.responded_at, given.subject)
    ORDER BY responded_at DESC, subject DESC LIMIT %(most)s
) AS found
"""
_WRITE_SQL = """
INSERT INTO scores AS s (subject, person_key, metric, score, responded_at)
SELECT subject, person_key, metric, score, responded_at
FROM unnest(%(subjects)b::text[], %(keys)b::text[], %(metrics)b::text[], %(scores)s::int[],
    %(moments)s::timestamptz[]) AS given (subject, person_key, metric, score, responded_at)
ORDER BY subject
ON CONFLICT (subject) DO UPDATE SET person_key = excluded.person_key, metric = excluded.metric,
    score = excluded.score, responded_at = excluded.responded_at
WHERE (s.person_key, s.metric, s.score, s.responded_at)
    IS DISTINCT FROM (excluded.person_key, excluded.metric, excluded.score, excluded.responded_at)
"""
_DROP_SQL = "DELETE FROM scores WHERE subject = ANY(%(subjects)s)"


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer whose earlier scores are asked for, those of all keys of its person."""

    subject: str
    person_keys: Collection[str]
    metric: Metric
    responded_at: datetime


def earlier(connection: Connection, answers: Sequence[Asked]) -> dict[str, list[Score]]:
    """The latest scores of each answer's person and metric that were given before it, by its subject."""
    found: dict[str, list[Score]] = {}
    pairs = [(one, key) for one in answers for key in one.person_keys]
    if not pairs:
        return found
    metrics = {one.subject: one.metric for one in answers}
    rows = connection.execute(
        _EARLIER_SQL,
        {
            "subjects": [one.subject for one, _ in pairs],
            "keys": [key for _, key in pairs],
            "metrics": [one.metric.value for one, _ in pairs],
            "moments": [one.responded_at for one, _ in pairs],
            "most": READ_AT_MOST,
        },
    )
    for asked, subject, score, responded_at in rows:
        found.setdefault(asked, []).append(Score(subject, metrics[asked], score, responded_at))
    return found


def write(connection: Connection, told: Mapping[str, tuple[str, Score | None]]) -> None:
    """Keep the score of each subject with its person's key; None: it does not count any more."""
    kept = [(person_key, score) for person_key, score in told.values() if score is not None]
    gone = [subject for subject, (_, score) in told.items() if score is None]
    if kept:
        connection.execute(
            _WRITE_SQL,
            {
                "subjects": [score.subject for _, score in kept],
                "keys": [person_key for person_key, _ in kept],
                "metrics": [score.metric.value for _, score in kept],
                "scores": [score.score for _, score in kept],
                "moments": [score.responded_at for _, score in kept],
            },
        )
    if gone:
        connection.execute(_DROP_SQL, {"subjects": gone})
