from datetime import UTC, date, datetime

import pytest

from sandbox.salesforce_checks import SalesforceError
from sandbox.soql import Condition, Order, parse


def test_a_query_with_everything() -> None:
    query = parse(
        "select Id, Account.Name from Case where Status != 'Closed' and Feedback_Score__c <= 6.5 and OwnerId "
        "in ('a', 'b') and Subject like 'De%' and IsClosed = false and ContactId = null "
        "order by CreatedDate desc nulls last, Id limit 10 offset 5"
    )
    assert query.fields == ("Id", "Account.Name")
    assert query.object_name == "Case"
    assert query.conditions == (
        Condition("Status", "!=", ("Closed",)),
        Condition("Feedback_Score__c", "<=", (6.5,)),
        Condition("OwnerId", "in", ("a", "b")),
        Condition("Subject", "like", ("De%",)),
        Condition("IsClosed", "=", (False,)),
        Condition("ContactId", "=", (None,)),
    )
    assert query.order == (Order("CreatedDate", descending=True, nulls_last=True), Order("Id"))
    assert (query.limit, query.offset) == (10, 5)


def test_dates_are_not_quoted() -> None:
    query = parse(
        "SELECT COUNT() FROM Case WHERE CreatedDate >= 2026-11-01T00:00:00+02:00 AND Due > 2026-01-02"
    )
    assert query.fields == ()
    assert query.conditions[0].values == (datetime(2026, 10, 31, 22, tzinfo=UTC),)
    assert query.conditions[1].values == (date(2026, 1, 2),)


def test_escapes_stay_inside_the_literal() -> None:
    query = parse(r"SELECT Id FROM Contact WHERE Name = 'O\'Brien\\ \n' AND Email = 'x'")
    assert query.conditions[0].values == ("O'Brien\\ \n",)
    assert query.conditions[1].values == ("x",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT FROM Case",
        "SELECT Id Case",
        "SELECT Id FROM Case WHERE",
        "SELECT Id FROM Case WHERE Name = 'open",
        "SELECT Id FROM Case WHERE Name = name",
        "SELECT Id FROM Case WHERE A = 1 OR B = 2 AND C = 3",
        "SELECT Id FROM Case GROUP BY Status",
        "SELECT Id FROM Case LIMIT many",
        "SELECT Id FROM Case; DROP",
        "SELECT Id FROM Case WHERE A IN ()",
    ],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(SalesforceError) as caught:
        parse(text)
    assert caught.value.code == "MALFORMED_QUERY"
