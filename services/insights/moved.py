"""Who moved between two groups: what they said before and now, and what happened in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import class_row

from schemas.scales import GROUPS
from services.insights import answers
from services.insights.answers import Page, Shown
from services.insights.counting import Counting
from services.insights.customers import Deed, History
from services.insights.filters import Dimension, Filter
from services.insights.happening import Happening, Kind

MOST_MOVES = 20

# Three look-ups, each by its index: a condition with OR would be looked for in all happenings.
_HAPPENED: LiteralString = """
SELECT happening_id, person, account_id, occurred_at, known_at, facts FROM happenings
WHERE kind = 'moment' AND NOT is_retracted AND occurred_at > %(since)s AND occurred_at <= %(until)s
"""
_MOMENTS_SQL: LiteralString = (
    _HAPPENED
    + "AND person = ANY(%(persons)s) UNION ALL "
    + _HAPPENED
    + "AND person IS NULL AND account_id = ANY(%(accounts)s) UNION ALL "
    + _HAPPENED
    + "AND person IS NULL AND account_id IS NULL"
)
_DEEDS_SQL: LiteralString = """
SELECT person, kind, occurred_at, subject, response_id, rule, action, destination, actor, reason, root_cause
FROM outcomes WHERE person = ANY(%(persons)s) AND kind <> 'planned'
    AND occurred_at > %(since)s AND occurred_at <= %(until)s
"""


@dataclass(frozen=True, slots=True)
class Move:
    """An answer, the same person's one before it, and what happened between the two."""

    answer: Shown
    before: Shown
    between: History
    """Moments of the person, their account and everybody, such as releases; and what we did."""


def moved(connection: Connection[Any], counting: Counting, wanted: Filter) -> tuple[Move, ...]:
    """The latest of the answers that fit whose person had answered before, the newest first."""
    if not wanted.of(Dimension.BEFORE):
        wanted = wanted.choosing(Dimension.BEFORE, *GROUPS[wanted.metric])
    page: Page = answers.behind(connection, counting, wanted, limit=MOST_MOVES)
    given = answers.of_people(connection, sorted({one.person for one in page.answers}))
    pairs = [(one, before) for one in page.answers if (before := _before(one, given)) is not None]
    if not pairs:
        return ()
    values = {
        "persons": sorted({one.person for one, _ in pairs}),
        "accounts": sorted({one.account_id for one, _ in pairs if one.account_id is not None}),
        "since": min(before.responded_at for _, before in pairs),
        "until": max(one.responded_at for one, _ in pairs),
    }
    moments = [
        Happening(number, Kind.MOMENT, *rest) for number, *rest in connection.execute(_MOMENTS_SQL, values)
    ]
    deeds = connection.cursor(row_factory=class_row(Deed)).execute(_DEEDS_SQL, values).fetchall()
    return tuple(Move(one, before, _between(one, before, moments, deeds)) for one, before in pairs)


def _before(one: Shown, given: Sequence[Shown]) -> Shown | None:
    """The person's counted answer of the metric that came before; of one time the ids decide."""
    earlier = [
        other
        for other in given
        if other.marks
        and (other.person, other.metric) == (one.person, one.metric)
        and _when(other) < _when(one)
    ]
    return max(earlier, key=_when, default=None)


def _when(one: Shown) -> tuple[datetime, str]:
    return one.responded_at, str(one.response_id)


def _between(one: Shown, before: Shown, moments: Sequence[Happening], deeds: Sequence[Deed]) -> History:
    def is_between(at: datetime) -> bool:
        return before.responded_at < at <= one.responded_at

    return History(
        deeds=[deed for deed in deeds if deed.person == one.person and is_between(deed.occurred_at)],
        happenings=[
            moment
            for moment in moments
            if is_between(moment.occurred_at)
            and (
                moment.person == one.person
                if moment.person is not None
                else moment.account_id in {None, one.account_id}
            )
        ],
    )
