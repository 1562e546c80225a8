from typing import Any

import pytest

from services.router.salesforce.contents import Person
from services.router.salesforce.matching import pick

ROWS: list[dict[str, Any]] = [
    {"Id": "003A", "Feedback_Person_Key__c": None, "Customer__c": "c-1", "Email": "A@customer.test"},
    {"Id": "003B", "Feedback_Person_Key__c": "k2", "Customer__c": "c-2", "Email": "a@customer.test"},
    {"Id": "003C", "Feedback_Person_Key__c": None, "Customer__c": None, "Email": "c@customer.test"},
]


def person(key: str = "k9", customer: str | None = None, email: str | None = None) -> Person:
    return Person(person_key=key, customer_id=customer, email=email)


@pytest.mark.parametrize(
    ("who", "contact"),
    [
        (person("k2", "c-1", "c@customer.test"), "003B"),
        (person("k9", "c-1", "c@customer.test"), "003A"),
        (person("k9", "c-9", "C@Customer.test"), "003C"),
        (person("k9", "c-9", "nobody@customer.test"), None),
        (person("k9"), None),
    ],
)
def test_the_strongest_identifier_decides(who: Person, contact: str | None) -> None:
    assert pick(ROWS, who, "Customer__c").contact_id == contact


def test_of_several_none_is_taken() -> None:
    match = pick(ROWS, person(email="a@customer.test"), "Customer__c")

    assert match.contact is None
    assert match.candidates == ("003A", "003B")


def test_a_customer_id_counts_only_where_the_org_has_a_field_for_it() -> None:
    assert pick(ROWS, person(customer="c-1"), None).contact_id is None
