"""What a record of Salesforce becomes, and who may set which field."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime.yaml_file import ConfigError, parse_yaml
from schemas.accounts import AccountChanged
from schemas.lifecycle import Moment
from schemas.profiles import ProfileChanged
from services.ingest.field_owners import may_set
from services.ingest.identity import customer_key, email_key
from services.ingest.inputs import AccountInput, LifecycleEventInput, ProfileInput
from services.ingest.persons import Known, People, Statement, Strength, contact_statement, statement
from services.ingest.profiles import account_after
from services.ingest.salesforce.customer_map import CustomerMap, digest, load_customer_map
from services.ingest.salesforce.objects import objects_of
from services.ingest.salesforce.reading import Reading, is_news, told_as

SECRET = b"a secret"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STAMP = "2026-11-20T10:00:00.000+0000"
MAP = parse_yaml(
    """
accounts:
  id: Account_Id__c
  fields:
    name: Name
    owner_email: Owner.Email
    csm_email: Csm__r.Email
    arr: Arr__c
    currency: { always: EUR }
    renewal_date: Renewal_Date__c
    traits.industry: Industry
contacts:
  customer_id: Customer_Id__c
  fields:
    name: Name
    role: { field: Role__c, values: { Champion: key_contact } }
    products: Products__c
    traits.seats: Seats__c
opportunities:
  renewals: [Renewal]
cases:
  ours: Feedback_Effect_Id__c
""",
    CustomerMap,
    name="salesforce_customers.yaml",
)
OBJECTS = {one.kind: one for one in objects_of(MAP)}
ACCOUNT = {
    "Id": "001000000000001AAA",
    "SystemModstamp": STAMP,
    "IsDeleted": False,
    "Account_Id__c": "a-77",
    "Name": "Whitfield Logistics",
    "Owner": {"Email": "maya@acme.test"},
    "Csm__r": None,
    "Arr__c": 48000,
    "Renewal_Date__c": "2027-03-01",
    "Industry": "Logistics",
}
CONTACT = {
    "Id": "003000000000001AAA",
    "SystemModstamp": STAMP,
    "IsDeleted": False,
    "AccountId": "001000000000001AAA",
    "Account": {"Account_Id__c": "a-77"},
    "Customer_Id__c": "c-1",
    "Email": "dana@customer.example",
    "Name": "Dana Whitfield",
    "Role__c": "Champion",
    "Products__c": "export; import",
    "Seats__c": 5,
}
OPPORTUNITY = {
    "Id": "006000000000001AAA",
    "SystemModstamp": STAMP,
    "IsDeleted": False,
    "AccountId": "001000000000001AAA",
    "Account": {"Account_Id__c": "a-77"},
    "IsWon": True,
    "CloseDate": "2026-11-18",
    "Type": "New Business",
}
CASE = {
    "Id": "500000000000001AAA",
    "SystemModstamp": STAMP,
    "IsDeleted": False,
    "AccountId": "001000000000001AAA",
    "Account": {"Account_Id__c": "a-77"},
    "Contact": {"Customer_Id__c": "c-1", "Email": "dana@customer.example"},
    "IsClosed": True,
    "ClosedDate": "2026-11-20T09:59:00.000+0000",
    "Feedback_Effect_Id__c": None,
}


def read(kind: str, row: Mapping[str, Any], **changes: object) -> Reading[Any]:
    return OBJECTS[kind].read({**row, **changes})


def said(reading: Reading[Any]) -> Any:  # noqa: ANN401 - the body that the object's records have
    assert reading.body is not None
    return reading.body


def happened(kind: str, row: Mapping[str, Any], **changes: object) -> LifecycleEventInput:
    body = read(kind, row, **changes).body
    assert isinstance(body, LifecycleEventInput)
    return body


def test_an_account_is_what_the_map_makes_of_it() -> None:
    reading = read("Account", ACCOUNT)

    assert (reading.our_id, reading.stamp) == ("a-77", datetime(2026, 11, 20, 10, tzinfo=UTC))
    assert isinstance(reading.body, AccountInput)
    assert reading.body.model_dump(mode="json", exclude_defaults=True) == {
        "name": "Whitfield Logistics",
        "owner_email": "maya@acme.test",
        "arr": 48000,
        "currency": "EUR",
        "renewal_date": "2027-03-01",
        "traits": {"industry": "Logistics"},
        "salesforce_id": "001000000000001AAA",
    }


def test_a_value_that_cannot_be_used_costs_that_field_alone() -> None:
    reading = read("Account", ACCOUNT, Arr__c=-1, Industry="x" * 300)

    assert said(reading).name == "Whitfield Logistics"
    assert (said(reading).arr, said(reading).traits) == (None, {})
    assert {"arr", "traits.industry"} <= set(reading.refused)


@pytest.mark.parametrize("missing", [None, " "])
def test_an_account_without_your_id_is_left_out(missing: str | None) -> None:
    assert read("Account", ACCOUNT, Account_Id__c=missing).body is None


def test_without_a_field_for_it_the_records_id_is_the_accounts() -> None:
    by = parse_yaml("{accounts: {fields: {name: Name}}, contacts: {}}", CustomerMap, name="test")
    accounts, contacts = objects_of(by)

    assert accounts.read(ACCOUNT).our_id == "001000000000001AAA"
    assert said(contacts.read(CONTACT)).account_id == "001000000000001AAA"
    assert contacts.read(CONTACT).our_id is None


def test_a_contact_is_a_person_of_an_account() -> None:
    body = read("Contact", CONTACT).body

    assert isinstance(body, ProfileInput)
    assert (body.email, body.name, body.account_id) == ("dana@customer.example", "Dana Whitfield", "a-77")
    assert (body.role, body.products, body.traits) == ("key_contact", ["export", "import"], {"seats": 5})
    assert said(read("Contact", CONTACT, Role__c="Intern")).role == "Intern"


def test_a_contact_without_id_and_address_is_nobody() -> None:
    assert read("Contact", CONTACT, Customer_Id__c=None, Email=None).body is None
    assert read("Contact", CONTACT, Customer_Id__c=None, Email="none").body is None


@pytest.mark.parametrize(("type_", "moment"), [("Renewal", Moment.RENEWED), (None, Moment.PURCHASED)])
def test_a_won_opportunity_is_a_purchase_or_a_renewal(type_: str | None, moment: Moment) -> None:
    body = happened("Opportunity", OPPORTUNITY, Type=type_)

    assert (body.moment, body.account_id, body.retracted) == (moment, "a-77", False)
    assert body.occurred_at == datetime(2026, 11, 18, tzinfo=UTC)
    assert body.context == {"opportunity_id": "006000000000001AAA"}


def test_one_that_closes_in_the_future_was_won_when_it_was_marked_so() -> None:
    body = happened("Opportunity", OPPORTUNITY, CloseDate="2027-01-01")

    assert body.occurred_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_a_closed_case_is_its_contacts() -> None:
    body = happened("Case", CASE)

    assert (body.moment, body.customer_id) == (Moment.SUPPORT_CASE_CLOSED, "c-1")
    assert body.context == {"case_id": "500000000000001AAA"}


@pytest.mark.parametrize("changes", [{"Contact": None}, {"Feedback_Effect_Id__c": "e-1"}])
def test_a_case_of_nobody_and_one_of_ours_are_none(changes: dict[str, object]) -> None:
    assert read("Case", CASE, **changes).body is None


def test_what_is_told_once_is_told_again_only_when_it_is_another() -> None:
    closed = happened("Case", CASE)
    assert is_news(closed, None)
    told = told_as(closed)

    edited = happened("Case", CASE, SystemModstamp="2026-11-21T10:00:00.000+0000")
    assert not is_news(edited, told)

    reopened = happened("Case", CASE, IsClosed=False, ClosedDate=None)
    assert is_news(reopened, told)
    assert not is_news(reopened, told_as(reopened))
    assert not is_news(reopened, None), "what was never told need not be taken back"
    assert is_news(closed, told_as(reopened))


def test_only_what_changed_since_is_asked_for_in_an_order_that_stays() -> None:
    soql = OBJECTS["Case"].soql(NOW)

    assert soql.endswith(
        "FROM Case WHERE SystemModstamp >= 2026-11-22T12:00:00+00:00 ORDER BY SystemModstamp, Id"
    )
    assert "Contact.Customer_Id__c, Contact.Email" in soql
    assert "WHERE" not in OBJECTS["Account"].soql(None)


def test_another_map_is_read_from_the_beginning() -> None:
    assert MAP.contacts is not None
    assert digest(MAP.contacts, "a") != digest(MAP.contacts, "b")
    assert digest(MAP.contacts) != digest(MAP.contacts.model_copy(update={"email": "Other__c"}))


def test_a_mistake_in_the_map_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "salesforce_customers.yaml"
    file.write_text("accounts:\n  fields:\n    nmae: Name\ncontacts:\n  fields:\n    traits.plan: Plan__c\n")

    with pytest.raises(ConfigError, match=r"salesforce_customers.yaml:3: accounts.fields.nmae: is not known"):
        load_customer_map(file)


class Table:
    """What is stored of people, as Salesforce and the API write it."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.theirs: set[str] = set()

    def salesforce(self, **changes: object) -> ProfileChanged:
        reading = read("Contact", CONTACT, **changes)
        statement = contact_statement(said(reading), reading.our_id, SECRET)
        assert statement is not None
        self.theirs.add(statement.who.key)
        return self._take(statement)

    def api(self, customer: str = "c-1", **body: object) -> ProfileChanged:
        return self._take(statement(ProfileInput.model_validate_json(json.dumps(body)), customer, SECRET))

    def _take(self, stated: Statement) -> ProfileChanged:
        people = People(self.known, MAP.owned.profile, self.theirs)
        state = people.state(stated, NOW)
        for changed in people.changed():
            strength = people.strengths().get(changed.person_key, Strength.UNKNOWN)
            self.known[changed.person_key] = Known(strength, changed)
        return state


def test_each_source_sets_its_own_fields() -> None:
    table = Table()
    table.api(name="D.", role="buyer", segment="enterprise", traits={"plan": "pro", "seats": 1})

    both = table.salesforce()
    assert (both.name, both.role, both.traits["seats"]) == ("Dana Whitfield", "key_contact", 5)
    assert (both.segment, both.traits["plan"]) == ("enterprise", "pro")

    again = table.api(name="D.", role="buyer", segment="smb", traits={"plan": "free", "seats": 1})
    assert (again.name, again.role, again.traits) == (
        "Dana Whitfield",
        "key_contact",
        {"plan": "free", "seats": 5},
    )
    assert (again.segment, again.account_id, again.version) == ("smb", "a-77", both.version + 1)


def test_whom_salesforce_does_not_have_the_api_alone_describes() -> None:
    table = Table()
    table.salesforce()

    other = table.api("c-2", name="Lee", role="buyer", email="lee@customer.example")

    assert (other.name, other.role, other.email) == ("Lee", "buyer", "lee@customer.example")


def test_what_salesforce_empties_is_empty_and_saying_it_again_changes_nothing() -> None:
    table = Table()
    table.api(role="buyer", opt_outs=[{"since": "2026-11-01T00:00:00Z"}])
    first = table.salesforce()

    emptied = table.salesforce(Role__c=None, Seats__c=None)

    assert (emptied.role, emptied.traits, emptied.version) == (None, {}, first.version + 1)
    assert emptied.opted_out_of(None)
    assert table.salesforce(Role__c=None, Seats__c=None) == emptied


def test_a_contact_known_by_address_alone_is_the_customer_of_that_address() -> None:
    table = Table()
    table.api(email="dana@customer.example", segment="enterprise")

    state = table.salesforce(Customer_Id__c=None)

    assert (state.person_key, state.customer_id) == (customer_key(SECRET, "c-1"), "c-1")
    assert (state.segment, state.role) == ("enterprise", "key_contact")
    assert table.api(role="buyer").role == "key_contact", "its fields are Salesforce's under every key"


def test_somebody_only_salesforce_knows_goes_by_their_address_until_an_id_is_told() -> None:
    table = Table()
    alone = table.salesforce(Customer_Id__c=None)
    assert alone.person_key == email_key(SECRET, "dana@customer.example")

    known = table.salesforce()

    assert known.person_key == customer_key(SECRET, "c-1")
    assert known.merged_from == (alone.person_key,)


def test_an_account_of_both_has_the_fields_of_both() -> None:
    owned = MAP.owned.account
    body = AccountInput(name="Whitfield", arr=1.0, health="green", traits={"industry": "?", "tier": "gold"})
    known = account_after(
        said(read("Account", ACCOUNT)), account_id="a-77", known=None, now=NOW - timedelta(days=1)
    )
    assert isinstance(known, AccountChanged)

    stated = account_after(
        body,
        account_id="a-77",
        known=known,
        now=NOW,
        allowed=may_set(owned, from_salesforce=False, is_theirs=True),
    )

    assert (stated.name, stated.arr, stated.health) == ("Whitfield Logistics", 48000, "green")
    assert stated.traits == {"industry": "Logistics", "tier": "gold"}
