from typing import Any

import pytest

from sandbox.salesforce_checks import SalesforceError, long_id
from sandbox.salesforce_objects import OBJECTS
from sandbox.salesforce_query import run
from sandbox.salesforce_records import Records
from sandbox.soql import parse

CASE = OBJECTS["Case"]


@pytest.fixture
def records() -> Records:
    return Records(username="router@acme.test", people=[("maya@acme.test", "Maya")], keep=100)


def ids(records: Records, soql: str) -> list[Any]:
    return [row["Subject"] for row in run(records, parse(soql))[0]]


def test_the_long_id_is_the_one_salesforce_makes() -> None:
    assert long_id("0016000000AbCdE") == "0016000000AbCdEAAV"
    assert long_id("0016000000AbCdEAAV") == "0016000000AbCdEAAV"
    assert long_id("001600000000000") == "001600000000000AAA"


def test_conditions_and_order(records: Records) -> None:
    for subject, score in (("low", 2.0), ("none", None), ("high", 6.0)):
        records.create(CASE, {"Subject": subject, "Feedback_Score__c": score})
    assert ids(records, "SELECT Subject FROM Case WHERE Feedback_Score__c > 2") == ["high"]
    assert ids(records, "SELECT Subject FROM Case WHERE Feedback_Score__c = null") == ["none"]
    assert ids(records, "SELECT Subject FROM Case WHERE Subject LIKE 'H%'") == ["high"]
    assert ids(records, "SELECT Subject FROM Case WHERE Subject LIKE '[h]*'") == []
    assert ids(records, "SELECT Subject FROM Case WHERE Subject NOT IN ('low', 'HIGH')") == ["none"]
    ordered = "SELECT Subject FROM Case ORDER BY Feedback_Score__c"
    assert ids(records, ordered) == ["none", "low", "high"]
    assert ids(records, f"{ordered} DESC NULLS LAST") == ["high", "low", "none"]
    assert ids(records, f"{ordered} LIMIT 1 OFFSET 1") == ["low"]


def test_a_literal_of_the_wrong_type(records: Records) -> None:
    for soql in (
        "SELECT Id FROM Case WHERE Subject = 3",
        "SELECT Id FROM Case WHERE Feedback_Score__c = '3'",
    ):
        with pytest.raises(SalesforceError, match="INVALID_FIELD"):
            run(records, parse(soql))


def test_a_record_hidden_is_not_read_but_its_id_is_taken(records: Records) -> None:
    field = CASE.fields["Feedback_Effect_Id__c"]
    records.upsert(CASE, field, "e1", {"Subject": "late"}, hidden_seconds=60)
    assert ids(records, "SELECT Subject FROM Case") == []
    with pytest.raises(SalesforceError, match="DUPLICATE_VALUE"):
        records.upsert(CASE, field, "e1", {"Subject": "again"})


def test_a_changed_unique_value_frees_the_old_one(records: Records) -> None:
    record = records.create(CASE, {"Feedback_Effect_Id__c": "old"})
    records.update(record, {"Feedback_Effect_Id__c": "new"})
    records.create(CASE, {"Feedback_Effect_Id__c": "old"})
    with pytest.raises(SalesforceError, match="DUPLICATE_VALUE"):
        records.create(CASE, {"Feedback_Effect_Id__c": "new"})


def test_closing_and_reopening_a_case(records: Records) -> None:
    case = records.create(CASE, {"Status": "Closed"})
    assert case.values["IsClosed"] is True
    assert case.values["ClosedDate"] is not None
    records.update(case, {"Status": "Working"})
    assert (case.values["IsClosed"], case.values["ClosedDate"]) == (False, None)


def test_a_case_takes_its_contacts_account(records: Records) -> None:
    account = records.create(OBJECTS["Account"], {"Name": "Acme"})
    contact = records.create(OBJECTS["Contact"], {"LastName": "Holm", "AccountId": account.record_id})
    case = records.create(CASE, {"ContactId": contact.record_id[:15]})
    assert case.values["AccountId"] == account.record_id
    assert case.values["ContactId"] == contact.record_id


def test_the_oldest_give_way_when_it_is_full(records: Records) -> None:
    for number in range(130):
        records.create(CASE, {"Subject": f"s{number}", "Feedback_Effect_Id__c": f"e{number}"})
    assert len(records.of(CASE)) == 100
    records.create(CASE, {"Feedback_Effect_Id__c": "e0"})


def test_one_condition_of_several_is_enough_where_they_are_joined_by_or(records: Records) -> None:
    for subject in ("one", "two", "three"):
        records.create(CASE, {"Subject": subject})

    query = "SELECT Subject FROM Case WHERE Subject = 'one' OR Subject IN ('three')"
    assert ids(records, query) == ["one", "three"]
    with pytest.raises(SalesforceError, match="MALFORMED_QUERY"):
        parse("SELECT Id FROM Case WHERE Subject = 'one' OR Subject = 'two' AND Subject = 'three'")
