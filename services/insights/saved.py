"""Whom a contact saved: unhappy people who were contacted and are still customers after the next renewal."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.rows import class_row

from schemas.scales import GROUPS
from services.insights.counting import Counting
from services.insights.definitions import LOST_STAGES, NO_CUSTOMERS, PROSPECT_STAGES, Share
from services.insights.filters import Dimension, Filter

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


class Verdict(StrEnum):
    """Whether a contact saved a customer."""

    SAVED = "saved"
    LOST = "lost"
    WAITING = "waiting"
    """The renewal is still to come."""


@dataclass(frozen=True, slots=True)
class Contacted:
    """An answer of the lowest group that was followed by a contact, and what the books say since."""

    person: str
    account_id: str | None
    responded_at: datetime
    day: date
    lost_since: datetime | None
    renewal: date | None
    """The first renewal date, from the day of the answer on, that the books ever named."""
    arr: float | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Saved:
    """People and revenue that a contact saved; each person once, by their latest answer."""

    customers: Share
    """People, of those of whom it is decided."""
    waiting: int
    arr: tuple[tuple[str, float], ...]
    """Yearly revenue of the accounts that were saved, by currency; each account once."""
    accounts: int
    """Those accounts."""
    unknown_arr: int
    """Of these, those whose revenue the books do not tell."""


@dataclass(frozen=True, slots=True)
class MeanArr:
    """What an account brings in a year, of the customers in the currency that most have."""

    currency: str
    accounts: int
    mean: float


def verdict(one: Contacted, zone: ZoneInfo, today: date, otherwise_days: int) -> Verdict | None:
    """Still a customer after the next renewal, else after so many days? None: was none when answering."""
    if one.lost_since is not None and one.lost_since <= one.responded_at:
        return None
    decided = one.renewal or one.day + timedelta(days=otherwise_days)
    if one.lost_since is not None and one.lost_since.astimezone(zone).date() <= decided:
        return Verdict.LOST
    return Verdict.SAVED if decided < today else Verdict.WAITING


def summed(contacted: Iterable[Contacted], zone: ZoneInfo, today: date, otherwise_days: int) -> Saved:
    """Sums up; of a person's answers the latest counts, which comes last."""
    latest = {one.person: (one, verdict(one, zone, today, otherwise_days)) for one in contacted}
    verdicts = Counter(told for _, told in latest.values() if told is not None)
    saved = [one for one, told in latest.values() if told is Verdict.SAVED]
    accounts = {one.account_id: one for one in saved if one.account_id is not None}
    arr: defaultdict[str, float] = defaultdict(float)
    unknown = 0
    for one in accounts.values():
        if one.arr is None or one.currency is None:
            unknown += 1
        else:
            arr[one.currency] += one.arr
    kept, lost = verdicts[Verdict.SAVED], verdicts[Verdict.LOST]
    return Saved(
        Share(kept, kept + lost),
        verdicts[Verdict.WAITING],
        tuple(sorted(arr.items())),
        len(accounts),
        unknown,
    )


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
