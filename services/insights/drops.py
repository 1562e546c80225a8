"""Early warning: the latest answers that fell into a lower group than their person's one before."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from schemas.scales import GROUPS
from services.insights.answers import Shown, behind
from services.insights.counting import Counting
from services.insights.filters import Dimension, Filter

MOST_DROPS = 20


def drops(
    connection: Connection[Any], counting: Counting, wanted: Filter, *, limit: int = MOST_DROPS
) -> tuple[Shown, ...]:
    """Of the answers that fit, those below the group of the person's previous one, the newest first."""
    found = [
        answer
        for fallen in _ways_down(wanted)
        for answer in behind(connection, counting, fallen, limit=limit).answers
    ]
    found.sort(key=lambda one: (one.responded_at, str(one.response_id)), reverse=True)
    return tuple(found[:limit])


def _ways_down(wanted: Filter) -> Iterator[Filter]:
    """A filter for each group that can be left downwards, within what is wanted of groups already."""
    groups = [str(group) for group in GROUPS[wanted.metric]]
    for place, before in enumerate(groups):
        lower = [one for one in groups[:place] if one in (wanted.of(Dimension.GROUP) or groups)]
        if lower and before in (wanted.of(Dimension.BEFORE) or groups):
            yield wanted.choosing(Dimension.BEFORE, before).choosing(Dimension.GROUP, *lower)
