"""Churn, conversions and saved customers told once more, from a history as it happened."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from schemas.accounts import AccountChanged
from services.insights.filters import Dimension, Filter
from services.insights.intake import Said
from tests.integration.insights import naive
from tests.integration.insights.naive import Told

PROSPECTS = {"prospect", "lead", "trial"}


def customers(told: Iterable[Told], wanted: Filter) -> list[Told]:
    """Answers that a filter means, those of lost customers among them, where it does not say which stages."""
    listed = list(told)
    stages = {one.values["stage"][0] for one in listed} - PROSPECTS
    if "stage" in dict(wanted.chosen) or "lost_after" in dict(wanted.chosen):
        return naive.fitting(listed, wanted)
    return naive.fitting(listed, wanted.choosing(Dimension.STAGE, *stages)) if stages else []


def churned(told: Iterable[Told], wanted: Filter, days: int, today: date) -> dict[str, tuple[int, int]]:
    """By group: answers whose customer was lost within so many days, of those that lie back so far."""
    whole = customers(told, wanted)
    ripe = [
        one
        for one in whole
        if one.day + timedelta(days=days) < today and one.values["lost_after"] != ["before"]
    ]
    found: dict[str, tuple[int, int]] = {}
    for one in ripe:
        after = one.values["lost_after"]
        soon = bool(after) and after[0].isdigit() and int(after[0]) <= days
        lost, everybody = found.get(one.values["group"][0], (0, 0))
        found[one.values["group"][0]] = lost + soon, everybody + 1
    return found


def saved(
    told: Iterable[Told],
    wanted: Filter,
    history: Sequence[Said],
    *,
    zone: ZoneInfo,
    today: date,
    days: int,
) -> tuple[int, int, int, dict[str, float]]:
    """People saved, lost and not decided; the revenue of the saved accounts by currency."""
    lowest = "detractor" if wanted.metric == "nps" else "negative"
    others = tuple(one for one in wanted.chosen if one[0] not in {"heard_back", "group"})
    narrowed = replace(wanted, chosen=others)
    contacted = [
        one
        for one in customers(told, narrowed)
        if one.values["group"] == [lowest] and one.values["heard_back"] == ["contacted"]
    ]
    latest: dict[str, Told] = {}
    for one in sorted(contacted, key=lambda one: (one.responded_at, one.response_id)):
        latest[one.person] = one
    verdicts, accounts = [], set()
    for one in latest.values():
        named = [
            event.renewal_date
            for event in history
            if isinstance(event, AccountChanged) and event.account_id == one.account_id and event.renewal_date
        ]
        later = [renewal for renewal in named if renewal >= one.day]
        decided = min(later, default=one.day + timedelta(days=days))
        if one.lost is not None and one.lost <= one.responded_at:
            continue
        if one.lost is not None and one.lost.astimezone(zone).date() <= decided:
            verdicts.append("lost")
        elif decided < today:
            verdicts.append("saved")
            accounts.add(one.account_id)
        else:
            verdicts.append("waiting")
    arr: dict[str, float] = {}
    for account_id in accounts:
        account = naive.account_of(account_id, history)
        if account and account.arr is not None and account.currency is not None:
            arr[account.currency] = arr.get(account.currency, 0) + account.arr
    return verdicts.count("saved"), verdicts.count("lost"), verdicts.count("waiting"), arr
