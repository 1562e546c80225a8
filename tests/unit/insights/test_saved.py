"""When a contact counts as having saved a customer."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.insights.definitions import Share
from services.insights.saved import Contacted, Verdict, summed, verdict

BERLIN = ZoneInfo("Europe/Berlin")
ANSWERED = datetime(2026, 3, 10, 9, tzinfo=UTC)
RENEWAL = date(2026, 4, 1)


def contacted(person: str = "ann", **facts: Any) -> Contacted:  # noqa: ANN401 - any field of it
    given: dict[str, Any] = {
        "account_id": "acme",
        "responded_at": ANSWERED,
        "day": ANSWERED.date(),
        "lost_since": None,
        "renewal": RENEWAL,
        "arr": 1_000.0,
        "currency": "EUR",
    }
    return Contacted(person=person, **{**given, **facts})


@pytest.mark.parametrize(
    ("facts", "today", "expected"),
    [
        ({}, RENEWAL, Verdict.WAITING),
        ({}, RENEWAL + timedelta(days=1), Verdict.SAVED),
        ({"renewal": None}, date(2026, 6, 8), Verdict.WAITING),
        ({"renewal": None}, date(2026, 6, 9), Verdict.SAVED),
        # In Berlin it was the day of the renewal still, then the day after.
        ({"lost_since": datetime(2026, 4, 1, 21, 59, tzinfo=UTC)}, date(2026, 5, 1), Verdict.LOST),
        ({"lost_since": datetime(2026, 4, 1, 22, 0, tzinfo=UTC)}, date(2026, 5, 1), Verdict.SAVED),
        ({"lost_since": ANSWERED + timedelta(hours=1)}, ANSWERED.date(), Verdict.LOST),
        ({"lost_since": ANSWERED}, date(2026, 5, 1), None),
    ],
)
def test_the_next_renewal_decides_else_ninety_days(
    facts: dict[str, Any], today: date, expected: Verdict | None
) -> None:
    assert verdict(contacted(**facts), BERLIN, today, 90) is expected


def test_people_and_accounts_count_once_by_the_latest_answer() -> None:
    found = summed(
        [
            contacted("ann", lost_since=ANSWERED + timedelta(days=1)),
            contacted("ann"),
            contacted("bob", arr=None, account_id="blue"),
            contacted("cyd"),
            contacted("dee", renewal=date(2027, 1, 1)),
            contacted("eve", account_id="gone", lost_since=ANSWERED + timedelta(days=1)),
        ],
        BERLIN,
        RENEWAL + timedelta(days=1),
        90,
    )
    assert (found.customers, found.waiting) == (Share(3, 4), 1)
    assert (found.arr, found.accounts, found.unknown_arr) == ((("EUR", 1_000.0),), 2, 1)
