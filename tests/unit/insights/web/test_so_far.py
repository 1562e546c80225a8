"""What an answer's line in the inbox says."""

from datetime import UTC, datetime, timedelta

from schemas.outcomes import OutcomeKind
from services.insights.customers import Deed
from services.insights.web.so_far import NOTHING, so_far

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def deed(minute: int, kind: OutcomeKind, **facts: str) -> Deed:
    given = dict.fromkeys(("rule", "action", "destination", "actor", "reason", "root_cause"))
    at = NOW + timedelta(minutes=minute)
    return Deed("ann", kind, at, "response:1", None, **{**given, **facts})


def test_the_latest_state_counts_in_whatever_order_it_came() -> None:
    deeds = [
        deed(5, OutcomeKind.CONTACTED, actor="maya"),
        deed(1, OutcomeKind.OPENED),
        deed(2, OutcomeKind.WITHHELD, destination="slack", action="card", reason="observe mode"),
        deed(3, OutcomeKind.DELIVERED, destination="slack", action="card"),
        deed(3, OutcomeKind.FAILED, destination="salesforce", action="case", reason="no permission"),
        deed(4, OutcomeKind.SLA_BREACHED, reason="contact"),
    ]
    assert so_far(deeds) == [
        "maya was in contact",
        "brought to slack",
        "held back from salesforce: no permission",
        "too late",
    ]


def test_nothing_and_a_mail_of_the_product_are_said_in_words() -> None:
    assert so_far([]) == [NOTHING]
    mailed = deed(1, OutcomeKind.DELIVERED, destination="email", action="auto_mail")
    assert so_far([mailed]) == ["answered by an automatic mail"]
