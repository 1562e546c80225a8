"""The rows that tell whom a contact saved, and what an account brings."""

from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.rows import class_row

from schemas.scales import GROUPS
from services.insights.counting import Counting
from services.insights.definitions import LOST_STAGES, NO_CUSTOMERS, PROSPECT_STAGES
from services.insights.filters import Dimension, Filter
from services.insights.saved import Contacted, Saved, summed

# Whom somebody contacted was contacted by hand: they are few beside all answers.
_CONTACTED_SQL: LiteralString = """
SELECT answers.person, coalesce(people.account_id, answers.account_id) AS account_id, responded_at,
       (responded_at AT TIME ZONE %(zone)s)::date AS day,
       least(CASE WHEN people.stage = ANY(%(lost)s) THEN people.lost_since END,
             CASE WHEN accounts.stage = ANY(%(lost)s) THEN accounts.lost_since END) AS lost_since,
       (SELECT min(renewal_date) FROM renewals
        WHERE renewals.account_id = accounts.account_id
          AND renewal_date >= (responded_at AT TIME ZONE %(zone)s)::date) AS renewal,
       accounts.arr, accounts.currency
FROM answers JOIN people ON people.person = answers.person
LEFT JOIN accounts ON accounts.account_id = coalesce(people.account_id, answers.account_id)
WHERE place = ANY(%(places)b) AND marks <> '{}'
ORDER BY responded_at, response_id
"""
_ARR_SQL: LiteralString = """
SELECT currency, count(*) AS accounts, avg(arr) AS mean FROM accounts
WHERE arr IS NOT NULL AND currency IS NOT NULL AND coalesce(stage <> ALL(%s), true)
GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class MeanArr:
    """What an account brings in a year, of the customers in the currency that most have."""

    currency: str
    accounts: int
    mean: float


def saved(
    connection: Connection[Any],
    counting: Counting,
    wanted: Filter,
    *,
    zone: ZoneInfo,
    today: date,
    otherwise_days: int,
) -> Saved:
    """Whom contacts saved, of the answers of the lowest group that fit; prospects are none."""
    lowest, *_ = GROUPS[wanted.metric]
    unhappy = wanted.choosing(Dimension.GROUP, lowest).choosing(Dimension.HEARD_BACK, "contacted")
    values = {
        "places": counting.places(unhappy, without=PROSPECT_STAGES),
        "zone": zone.key,
        "lost": sorted(LOST_STAGES),
    }
    cursor = connection.cursor(row_factory=class_row(Contacted))
    return summed(cursor.execute(_CONTACTED_SQL, values), zone, today, otherwise_days)


def mean_arr(connection: Connection[Any]) -> MeanArr | None:
    """What customers' accounts bring in a year; None where the books do not tell."""
    cursor = connection.cursor(row_factory=class_row(MeanArr))
    return cursor.execute(_ARR_SQL, (sorted(NO_CUSTOMERS),)).fetchone()
