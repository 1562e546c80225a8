"""SQL of the scores that people gave: what came before an answer. One statement a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from schemas.scales import Metric
from services.router.movement import SHOWN_BEFORE, Score

Connection = psycopg.Connection[Any]

_READ_AT_MOST = SHOWN_BEFORE + 5
"""Some of what is read may be told anew in the same batch."""

# A person's keys: the one that is given, the winner it was merged into, all that were merged into that.
_EARLIER_SQL = """
SELECT given.subject, found.subject, found.metric, found.score, found.responded_at
FROM unnest(%(subjects)b::text[], %(keys)b::text[], %(metrics)b::text[], %(moments)s::timestamptz[])
    AS given (subject, person_key, metric, responded_at)
LEFT JOIN profiles AS named ON named.person_key = given.person_key
CROSS JOIN LATERAL (
    SELECT given.person_key UNION SELECT named.merged_into WHERE named.merged_into IS NOT NULL
    UNION SELECT merged.person_key FROM profiles AS merged
    WHERE merged.merged_into = coalesce(named.merged_into, given.person_key)
) AS person (key)
CROSS JOIN LATERAL (
    SELECT subject, metric, score, responded_at FROM scores
    WHERE person_key = person.key AND metric = given.metric
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
    """An answer whose earlier scores are asked for."""

    subject: str
    person_key: str
    metric: Metric
    responded_at: datetime


def earlier(connection: Connection, answers: Sequence[Asked]) -> dict[str, list[Score]]:
    """The latest scores of each answer's person and metric that were given before it, by its subject."""
    found: dict[str, list[Score]] = {}
    if not answers:
        return found
    rows = connection.execute(
        _EARLIER_SQL,
        {
            "subjects": [one.subject for one in answers],
            "keys": [one.person_key for one in answers],
            "metrics": [one.metric.value for one in answers],
            "moments": [one.responded_at for one in answers],
            "most": _READ_AT_MOST,
        },
    )
    for asked, subject, metric, score, responded_at in rows:
        found.setdefault(asked, []).append(Score(subject, Metric(metric), score, responded_at))
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
