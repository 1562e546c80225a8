"""What the company launched, and what customers said before and after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

from psycopg import Connection

from services.insights import figures
from services.insights.counting import Counting
from services.insights.definitions import Change, Score
from services.insights.filters import Filter

AROUND_DAYS = 28
"""So many days from the launch on are compared with as many before it."""
MOST_RELEASES = 20

_RELEASES_SQL: LiteralString = """
SELECT (occurred_at AT TIME ZONE %(zone)s)::date AS day,
       coalesce(facts -> 'context' ->> 'release', facts -> 'context' ->> 'version',
                facts -> 'context' ->> 'name', 'Release')
FROM happenings
WHERE kind = 'moment' AND person IS NULL AND NOT is_retracted AND facts ->> 'moment' = 'release_launched'
  AND (occurred_at AT TIME ZONE %(zone)s)::date BETWEEN %(since)s AND %(until)s
ORDER BY occurred_at DESC, happening_id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Release:
    """A launch, by the day it was in the reporting time zone."""

    day: date
    name: str


@dataclass(frozen=True, slots=True)
class Effect:
    """The scores around a launch: what went together with it, which need not be its doing."""

    release: Release
    before: Score
    after: Score
    change: Change | None


def launched(connection: Connection[Any], since: date, until: date, zone: ZoneInfo) -> tuple[Release, ...]:
    """The launches of some days, both ends included, the oldest first; of many the latest."""
    values = {"since": since, "until": until, "zone": zone.key, "limit": MOST_RELEASES}
    found = [Release(day, name) for day, name in connection.execute(_RELEASES_SQL, values)]
    return tuple(reversed(found))


def effects(counting: Counting, wanted: Filter, releases: Sequence[Release]) -> tuple[Effect, ...]:
    """The scores before and after each launch, of the answers that a filter is about."""
    found = []
    for release in releases:
        after = wanted.between(release.day, release.day + timedelta(days=AROUND_DAYS - 1))
        told = figures.headline(counting, after)
        found.append(Effect(release, told.before, told.score, told.change))
    return tuple(found)
