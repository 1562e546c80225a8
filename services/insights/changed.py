"""What was changed because of what customers said: follow-ups that ended in a change, and releases."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

from psycopg import Connection

from services.insights.releases import Release, launched

_RESOLVED_SQL: LiteralString = """
SELECT reason, root_cause, themes.named
FROM outcomes LEFT JOIN answers USING (response_id)
LEFT JOIN LATERAL (
    SELECT array_agg(value ORDER BY value) AS named FROM marks
    WHERE mark = ANY(answers.marks) AND dimension = 'theme' AND value <> ''
) AS themes ON true
WHERE kind = 'resolved' AND reason IN ('fixed', 'taught', 'planned')
  AND occurred_at >= %(since)s::date::timestamp AT TIME ZONE %(zone)s
  AND occurred_at < (%(until)s::date + 1)::timestamp AT TIME ZONE %(zone)s
"""


@dataclass(frozen=True, slots=True)
class Changed:
    """Of some days. An answer of two themes is counted under both."""

    kinds: Counter[str]
    """Follow-ups by how they ended: `fixed`, `taught` or `planned`."""
    causes: Counter[str]
    """What had gone wrong, in the words of whoever closed them; may name people."""
    themes: Counter[str]
    """Follow-ups by what their answers are about."""
    releases: Sequence[Release]


def what_changed(connection: Connection[Any], since: date, until: date, zone: ZoneInfo) -> Changed:
    """What was changed on days of a time zone, both ends included."""
    days = {"since": since, "until": until, "zone": zone.key}
    kinds: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    themes: Counter[str] = Counter()
    for kind, cause, about in connection.execute(_RESOLVED_SQL, days):
        kinds[kind] += 1
        causes.update([cause] if cause else [])
        themes.update(about or [])
    return Changed(kinds, causes, themes, launched(connection, since, until, zone))
