"""SQL that counts bits: which answers fit a filter, and how many of them fall where."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Literal

from schemas.scales import GROUPS, Metric, group_of
from services.insights.definitions import NO_CUSTOMERS, Tally
from services.insights.filters import Dimension, Filter
from services.insights.standing import ANSWERED, CLOSES, DAY, asked_about

OF_REQUESTS = frozenset(
    {
        *(Dimension.SEGMENT, Dimension.COHORT, Dimension.ROLE, Dimension.STAGE, Dimension.OWNER),
        *(Dimension.PROGRAM, Dimension.CHANNEL),
    }
)
"""What people who were asked can be told apart by."""
_NOTHING: Mapping[str, Composed] = MappingProxyType({})

# One bitmap a piece: of every dimension asked for, its values' bits together; of those, what they share.
_CHOSEN = SQL("""
chosen AS MATERIALIZED (
    SELECT month, piece, bit_and(bits) AS bits
    FROM (SELECT dimension, month, piece, bit_or(bits) AS bits
          FROM marks JOIN bitmaps USING (mark)
          WHERE metric = {metric} AND month BETWEEN {first} AND {last} AND ({accepted})
          GROUP BY dimension, month, piece) AS asked
    GROUP BY month, piece HAVING count(*) = {dimensions}
)""")
_BY_VALUE = SQL("""
WITH {chosen}, grouped AS MATERIALIZED (
    SELECT value, month, piece, chosen.bits & bitmaps.bits AS bits
    FROM marks JOIN bitmaps USING (mark) JOIN chosen USING (month, piece)
    WHERE metric = {metric} AND dimension = {grouping}
)
SELECT valued.value, grouped.value, sum(bit_count(valued.bits & grouped.bits))
FROM (SELECT value, month, piece, bits FROM marks JOIN bitmaps USING (mark)
      WHERE metric = {metric} AND dimension = {dimension} AND month BETWEEN {first} AND {last}) AS valued
JOIN grouped USING (month, piece)
GROUP BY valued.value, grouped.value
""")
_ALTOGETHER = SQL("""
WITH {chosen}
SELECT '', value, sum(bit_count(chosen.bits & bitmaps.bits))
FROM marks JOIN bitmaps USING (mark) JOIN chosen USING (month, piece)
WHERE metric = {metric} AND dimension = {grouping} GROUP BY value
""")
_PLACES = SQL("""
WITH {chosen} SELECT month, piece, bits::text FROM chosen WHERE bit_count(bits) > 0
""")


def by_value(
    connection: Connection[Any], wanted: Filter, dimension: str, *, everybody: bool = False
) -> dict[str, Tally]:
    """The answers that fit, by a dimension's value; one with several themes or functions is among each.

    `everybody`: prospects and lost customers too.
    """
    rows = connection.execute(_composed(_BY_VALUE, wanted, dimension=dimension, everybody=everybody))
    return _tallies(wanted.metric, rows)


def crossed(
    connection: Connection[Any], wanted: Filter, dimension: str, other: str
) -> dict[tuple[str, str], int]:
    """How many answers that fit fall on a value of one dimension and a value of another."""
    statement = _composed(_BY_VALUE, wanted, dimension=dimension, grouping=other)
    return {(value, group): int(n) for value, group, n in connection.execute(statement) if n}


def asked(
    connection: Connection[Any], wanted: Filter, dimension: str, *, closing_after: date | None = None
) -> dict[tuple[str, str], int]:
    """How many requests sent in the period fall on a dimension's value and were answered, or not.

    What only answers have, such as themes, does not narrow who was asked. `closing_after`: those alone that
    can still be answered after that day.
    """
    of_requests = tuple(one for one in wanted.chosen if one[0] in OF_REQUESTS)
    later = {CLOSES: SQL("> {}").format(str(closing_after))} if closing_after else {}
    statement = _composed(
        _BY_VALUE,
        replace(wanted, chosen=of_requests),
        population=asked_about(wanted.metric),
        dimension=dimension,
        grouping=ANSWERED,
        also=later,
    )
    return {(value, is_answered): int(n) for value, is_answered, n in connection.execute(statement) if n}


def altogether(connection: Connection[Any], wanted: Filter) -> Tally:
    """The answers that fit."""
    return _tallies(wanted.metric, connection.execute(_composed(_ALTOGETHER, wanted))).get("", Tally())


def places(connection: Connection[Any], wanted: Filter) -> list[tuple[date, int, str]]:
    """The bits of the answers that fit: month, piece, and the bitmap as PostgreSQL writes it."""
    return connection.execute(_composed(_PLACES, wanted)).fetchall()


def _composed(
    statement: SQL,
    wanted: Filter,
    *,
    population: str | None = None,
    dimension: str = "",
    grouping: str | None = None,
    everybody: bool = False,
    also: Mapping[str, Composed] = _NOTHING,
) -> Composed:
    counted = population or wanted.metric.value
    # A mean needs the scores themselves.
    groups = grouping or (Dimension.SCORE if wanted.metric is Metric.CES else Dimension.GROUP)
    return statement.format(
        chosen=_chosen(wanted, counted, everybody=everybody, also=also),
        metric=Literal(counted),
        dimension=Literal(str(dimension)),
        grouping=Literal(str(groups)),
        first=Literal(wanted.since.replace(day=1)),
        last=Literal(wanted.until),
    )


def _chosen(wanted: Filter, population: str, *, everybody: bool, also: Mapping[str, Composed]) -> Composed:
    conditions = {DAY: SQL("BETWEEN {} AND {}").format(str(wanted.since), str(wanted.until))}
    conditions |= also
    conditions |= {str(one): SQL("= ANY({})").format(list(values)) for one, values in wanted.chosen}
    if not everybody and not wanted.of(Dimension.STAGE):
        conditions[str(Dimension.STAGE)] = SQL("<> ALL({})").format(sorted(NO_CUSTOMERS))
    return _CHOSEN.format(
        metric=Literal(population),
        first=Literal(wanted.since.replace(day=1)),
        last=Literal(wanted.until),
        accepted=SQL(" OR ").join(
            SQL("dimension = {} AND value ").format(dimension) + accepted
            for dimension, accepted in conditions.items()
        ),
        dimensions=Literal(len(conditions)),
    )


def _tallies(metric: Metric, rows: Iterable[Sequence[Any]]) -> dict[str, Tally]:
    found: dict[str, Tally] = {}
    for value, group, answers in rows:
        if answers:
            found[value] = found.get(value, Tally()) + tally(metric, group, int(answers))
    return found


def tally(metric: Metric, group: str, answers: int) -> Tally:
    """So many answers of one group or, of CES, of one score."""
    if metric is Metric.CES:
        score = int(group)
        low, middle, top = (answers * (one is group_of(metric, score)) for one in GROUPS[metric])
        return Tally(low, middle, top, answers * score, answers * score**2)
    low, middle, top = (answers * (one == group) for one in GROUPS[metric])
    return Tally(low, middle, top)
