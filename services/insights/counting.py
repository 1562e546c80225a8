"""SQL that counts bits: which answers fit a filter, and how many of them fall where."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Literal

from schemas.scales import GROUPS, Metric, group_of
from services.insights.definitions import NO_CUSTOMERS, Tally
from services.insights.filters import Dimension, Filter
from services.insights.standing import DAY

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


def by_value_and_sentiment(
    connection: Connection[Any], wanted: Filter, dimension: str
) -> dict[tuple[str, str], int]:
    """How many answers that fit fall on a dimension's value and a sentiment."""
    statement = _composed(_BY_VALUE, wanted, dimension=dimension, grouping=Dimension.SENTIMENT)
    return {(value, sentiment): int(n) for value, sentiment, n in connection.execute(statement) if n}


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
    dimension: str = "",
    grouping: Dimension | None = None,
    everybody: bool = False,
) -> Composed:
    metric = wanted.metric
    # A mean needs the scores themselves.
    groups = grouping or (Dimension.SCORE if metric is Metric.CES else Dimension.GROUP)
    return statement.format(
        chosen=_chosen(wanted, everybody=everybody),
        metric=Literal(metric.value),
        dimension=Literal(str(dimension)),
        grouping=Literal(groups.value),
        first=Literal(wanted.since.replace(day=1)),
        last=Literal(wanted.until),
    )


def _chosen(wanted: Filter, *, everybody: bool) -> Composed:
    conditions = {DAY: SQL("BETWEEN {} AND {}").format(str(wanted.since), str(wanted.until))}
    conditions |= {str(one): SQL("= ANY({})").format(list(values)) for one, values in wanted.chosen}
    if not everybody and not wanted.of(Dimension.STAGE):
        conditions[str(Dimension.STAGE)] = SQL("<> ALL({})").format(sorted(NO_CUSTOMERS))
    return _CHOSEN.format(
        metric=Literal(wanted.metric.value),
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
