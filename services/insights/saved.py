"""Whom a contact saved: the unhappy who were contacted and stayed past the next renewal. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.insights.definitions import Share


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
