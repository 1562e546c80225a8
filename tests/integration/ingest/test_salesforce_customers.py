"""Whom Salesforce has becomes accounts, profiles and lifecycle events: all of them, and each once."""

import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import REGISTRY

from runtime.clock import WallClock
from runtime.cloudevents import decode
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.migrations import migrate
from runtime.outbox import from_json
from runtime.postgres import leading, open_pool
from runtime.salesforce import SalesforceSession, SalesforceSettings
from runtime.yaml_file import parse_yaml
from sandbox.client import Credentials, RunningSandbox
from schemas.accounts import AccountChanged
from schemas.erasures import ErasureRequested
from schemas.lifecycle import LifecycleEventOccurred, Moment
from schemas.profiles import ProfileChanged
from services.ingest import erasures
from services.ingest.customers import Customers
from services.ingest.identity import customer_key
from services.ingest.inputs import ProfileInput
from services.ingest.persons import statement
from services.ingest.salesforce.customer_map import CustomerMap
from services.ingest.salesforce.sync import CustomerSync
from tests.integration.ingest.world import CONFIG_DIR, Ingest, eventually

SECRET = b"keeps persons apart in these tests"
MAYA, JONAS = "maya.lindqvist@acme.test", "jonas.weber@acme.test"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAP = """
page_rows: 200
accounts:
  id: Account_Id__c
  fields:
    name: Name
    owner_email: Owner.Email
    csm_email: Csm__r.Email
    arr: Arr__c
    renewal_date: Renewal_Date__c
contacts:
  customer_id: Customer_Id__c
  fields: { name: Name, role: { field: Role__c, values: { Champion: key_contact } } }
opportunities: { renewals: [Renewal] }
cases: { ours: Feedback_Effect_Id__c }
"""
EVENTS = {model.TYPE: model for model in (AccountChanged, ProfileChanged, LifecycleEventOccurred)}


class Org:
    """The double, and a reader of it on a database of its own."""

    def __init__(self, sandbox: RunningSandbox, session: SalesforceSession, database: str) -> None:
        self.http = httpx2.Client(base_url=sandbox.url, timeout=10)
        self.http.delete("/received").raise_for_status()
        self.http.delete("/faults").raise_for_status()
        self.http.put("/limits", json={"factor": 1000}).raise_for_status()
        by = parse_yaml(MAP, CustomerMap, name="salesforce_customers.yaml")
        self.pool = open_pool(database, schema="ingest", application="tests")
        with self.pool.connection() as connection:
            connection.execute(
                "TRUNCATE salesforce_progress, salesforce_records, profiles, accounts, outbox, erased"
            )
        self.customers = Customers(by.owned)
        self.sync = CustomerSync(
            org=session,
            pool=self.pool,
            clock=WallClock(),
            customers=self.customers,
            by=by,
            person_key_secret=SECRET,
        )
        self._read = 0

    def close(self) -> None:
        self.http.close()
        self.pool.close()

    def make(self, kind: str, by: str = MAYA, **values: object) -> str:
        made = self.http.post(f"/salesforce-records/{kind}", json={"by": by, "values": values})
        assert made.is_success, made.text
        return str(made.json()["Id"])

    def edit(self, kind: str, record: str, by: str = JONAS, **values: object) -> None:
        path = f"/salesforce-records/{kind}/{record}"
        self.http.patch(path, json={"by": by, "values": values}).raise_for_status()

    def delete(self, kind: str, record: str) -> None:
        self.http.delete(f"/salesforce-records/{kind}/{record}", params={"by": MAYA}).raise_for_status()

    def merge(self, kind: str, master: str, loser: str) -> None:
        path = f"/salesforce-records/{kind}/{master}/merge/{loser}"
        self.http.post(path, params={"by": MAYA}).raise_for_status()

    def user(self, email: str) -> str:
        users = self.http.get("/received/salesforce", params={"object": "User"}).json()["items"]
        return str(next(user["Id"] for user in users if user["Email"] == email))

    def read(self) -> list[Any]:
        """Reads once; the events this led to."""
        with leading(self.pool, "tests") as connection:
            assert connection is not None
            self.sync.read_all(connection, threading.Event())
        return self.news()

    def news(self) -> list[Any]:
        """The events in the outbox that nobody has looked at yet."""
        with self.pool.connection() as connection:
            rows = connection.execute(
                "SELECT id, topic, key, value, headers FROM outbox WHERE id > %s ORDER BY id", (self._read,)
            ).fetchall()
        self._read = max([self._read, *(row[0] for row in rows)])
        return [
            decode(Record(topic, 0, 0, key, value, from_json(headers), EPOCH), EVENTS)
            for _, topic, key, value, headers in rows
        ]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    log = tmp_path_factory.mktemp("sandbox") / "sandbox.log"
    with RunningSandbox.start(Credentials.generate(), log=log) as running:
        yield running


@pytest.fixture
def org(sandbox: RunningSandbox, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    for name, value in sandbox.router_environment.items():
        monkeypatch.setenv(name, value)
    session = SalesforceSettings().open(connections=1, reserve_share=0.5)
    assert isinstance(session, SalesforceSession)
    migrate(database, "ingest")
    with closing(Org(sandbox, session, database)) as org:
        yield org
    session.close()


def test_what_is_there_is_told_once_and_what_changes_again(org: Org) -> None:
    account = org.make(
        "Account",
        Name="Whitfield Logistics",
        Account_Id__c="a-77",
        OwnerId=org.user(MAYA),
        Arr__c=48_000,
        Csm__c=org.user(JONAS),
        Renewal_Date__c="2027-03-01",
    )
    dana = org.make(
        "Contact",
        LastName="Whitfield",
        FirstName="Dana",
        Email="dana@customer.example",
        AccountId=account,
        Customer_Id__c="c-1",
        Role__c="Champion",
    )
    org.make("Contact", LastName="Lee", Email="lee@customer.example", AccountId=account)
    won = org.make(
        "Opportunity", Name="First", AccountId=account, StageName="Closed Won", CloseDate="2026-11-02"
    )
    org.make("Opportunity", Name="Next", AccountId=account, StageName="Prospecting", CloseDate="2027-11-02")
    case = org.make("Case", Subject="Help", ContactId=dana, Status="Closed")
    org.make("Case", Subject="Ours", ContactId=dana, Status="Closed", Feedback_Effect_Id__c="e-1")

    first = org.read()

    assert [type(event).__name__ for event in first] == [
        "AccountChanged",
        "ProfileChanged",
        "ProfileChanged",
        "ProfileChanged",
        "LifecycleEventOccurred",
        "LifecycleEventOccurred",
    ]
    [told] = [event for event in first if isinstance(event, AccountChanged)]
    assert (told.account_id, told.owner_email, told.csm_email) == ("a-77", MAYA, JONAS)
    assert (told.arr, str(told.renewal_date), told.salesforce_id) == (48_000, "2027-03-01", account)
    people = {event.email: event for event in first if isinstance(event, ProfileChanged) and event.email}
    champion = people["dana@customer.example"]
    assert (champion.person_key, champion.name) == (customer_key(SECRET, "c-1"), "Dana Whitfield")
    assert (champion.account_id, champion.role) == ("a-77", "key_contact")
    assert people["lee@customer.example"].account_id == "a-77"
    purchase, closed = (event for event in first if isinstance(event, LifecycleEventOccurred))
    assert (purchase.moment, purchase.account_id) == (Moment.PURCHASED, "a-77")
    assert (closed.moment, closed.person_key) == (Moment.SUPPORT_CASE_CLOSED, champion.person_key)
    assert closed.context == {"case_id": case}

    assert org.read() == [], "what is read again because readings overlap changes nothing"

    org.edit("Contact", dana, by=JONAS, Role__c="Intern")
    org.edit("Contact", dana, by=MAYA, Phone="030 123")
    org.edit("Opportunity", won, StageName="Negotiation/Review")
    org.edit("Case", case, Status="Working")
    changed, lost, reopened = org.read()
    assert (changed.role, changed.version) == ("Intern", champion.version + 1)
    assert (lost.lifecycle_id, lost.retracted) == (purchase.lifecycle_id, True)
    assert (reopened.lifecycle_id, reopened.retracted) == (closed.lifecycle_id, True)
    assert lost.order.key() > purchase.order.key()

    org.edit("Opportunity", won, StageName="Closed Won", Type="Renewal")
    org.edit("Case", case, Status="Closed")
    renewed, again = org.read()
    assert (renewed.moment, renewed.retracted) == (Moment.RENEWED, False)
    assert (again.lifecycle_id, again.retracted) == (closed.lifecycle_id, False)


def test_what_is_deleted_there_did_not_happen_and_belongs_to_no_account(org: Org) -> None:
    account = org.make("Account", Name="Whitfield", Account_Id__c="a-77")
    dana = org.make("Contact", LastName="W", Customer_Id__c="c-1", AccountId=account, Role__c="Champion")
    lee, twin = (
        org.make("Contact", LastName="Lee", Email="lee@customer.example", AccountId=account) for _ in range(2)
    )
    won = org.make(
        "Opportunity", Name="First", AccountId=account, StageName="Closed Won", CloseDate="2026-11-02"
    )
    case = org.make("Case", Subject="Help", ContactId=dana, Status="Closed")
    never_seen = org.make("Contact", LastName="X", Email="never@customer.example")
    org.delete("Contact", never_seen)
    first = org.read()
    assert "never@customer.example" not in {one.email for one in first if isinstance(one, ProfileChanged)}

    for kind, record in (("Opportunity", won), ("Case", case), ("Contact", dana), ("Contact", twin)):
        org.delete(kind, record)
    left, *happened = org.read()
    assert (left.person_key, left.account_id, left.name) == (customer_key(SECRET, "c-1"), None, "W")
    assert {(one.moment, one.retracted) for one in happened} == {
        (Moment.PURCHASED, True),
        (Moment.SUPPORT_CASE_CLOSED, True),
    }, "and of Lee another contact is left"
    assert org.read() == []

    org.delete("Contact", lee)
    [gone] = org.read()
    assert (gone.email, gone.account_id) == ("lee@customer.example", None)
    body = ProfileInput(account_id="a-80", role="buyer")
    with org.pool.connection() as connection:
        [state] = org.customers.state_people(
            connection, [statement(body, "c-1", SECRET)], WallClock().now()
        ).states
    assert state is not None
    assert (state.account_id, state.role) == ("a-80", "buyer"), "who is gone there is the API's again"


def test_contacts_that_are_merged_are_one_person_with_one_history(org: Org) -> None:
    here, there = (org.make("Account", Name=name, Account_Id__c=name) for name in ("a-1", "a-2"))
    master = org.make("Contact", LastName="Whitfield", Customer_Id__c="c-1", AccountId=here)
    loser = org.make("Contact", LastName="Witfield", Customer_Id__c="c-2", AccountId=there)
    org.read()

    org.merge("Contact", master, loser)
    states = {one.person_key: one for one in org.read()}
    keys = {customer_key(SECRET, "c-1"), customer_key(SECRET, "c-2")}
    assert states.keys() == keys
    [winner] = [state for state in states.values() if state.merged_into is None]
    assert {*winner.merged_from, winner.person_key} == keys
    assert (winner.customer_id, winner.name, winner.account_id) == ("c-1", "Whitfield", "a-1")
    assert org.read() == []

    org.merge("Account", there, here)
    moved = [one for one in org.read() if isinstance(one, ProfileChanged)]
    assert [(one.person_key, one.account_id) for one in moved] == [(winner.person_key, "a-2")]


def test_a_reading_cut_short_goes_on_where_it_was_also_among_records_of_one_moment(org: Org) -> None:
    make_contacts(org, 401)
    fault = {"double": "salesforce", "kind": "server_error", "operations": ["query_more"], "count": 1}
    org.http.post("/faults", json=fault).raise_for_status()

    first = org.read()
    assert len({event.person_key for event in first}) == 200
    assert REGISTRY.get_sample_value(
        "feedback_customer_polls_total", {"object": "Contact", "result": "failed"}
    )

    rest = org.read()
    assert Counter(event.person_key for event in first + rest).most_common(1)[0][1] == 1
    assert len(first + rest) == 401
    assert org.read() == []


def test_fields_of_salesforce_are_not_the_apis_to_set(org: Org) -> None:
    org.make(
        "Contact",
        LastName="Whitfield",
        Email="dana@customer.example",
        Customer_Id__c="c-1",
        Role__c="Champion",
    )
    org.read()

    body = ProfileInput(role="buyer", segment="enterprise", email="other@customer.example")
    with org.pool.connection() as connection:
        stated = org.customers.state_people(connection, [statement(body, "c-1", SECRET)], WallClock().now())

    [state] = stated.states
    assert state is not None
    assert (state.role, state.email, state.segment) == ("key_contact", "dana@customer.example", "enterprise")


def test_whoever_was_erased_does_not_come_back_from_salesforce(org: Org) -> None:
    contact = org.make("Contact", LastName="Canary", Email="canary@customer.example", Customer_Id__c="c-9")
    org.read()
    with org.pool.connection() as connection:
        asked = erasures.request(connection, customer_key(SECRET, "c-9"), WallClock().now())
        record = Record(ErasureRequested.TOPIC, 0, 0, b"", b"", (), asked.requested_at)
        erasures.apply(connection, [Delivered(record, asked)])
        receipt = erasures.receipt(connection, asked.erasure_id)
        assert receipt is not None
        assert connection.execute("SELECT FROM salesforce_records WHERE key IS NOT NULL").fetchall() == []
        connection.execute("TRUNCATE outbox")

    org.edit("Contact", contact, FirstName="Once more")

    assert org.read() == []


def test_below_the_reserve_of_daily_calls_nothing_is_read(org: Org) -> None:
    org.read()
    used = REGISTRY.get_sample_value("feedback_salesforce_daily_calls", {"kind": "used"})
    assert used is not None
    org.make("Contact", LastName="Lee", Email="lee@customer.example")
    org.http.put("/limits", json={"factor": (used + 2) * 1.5 / 100_000}).raise_for_status()

    assert org.read() == [], "accounts were asked for, and the answer said that little is left"

    org.http.put("/limits", json={"factor": 1000}).raise_for_status()


def make_contacts(org: Org, number: int) -> None:
    for one in range(number):
        org.make("Contact", LastName=f"P{one}", Email=f"p{one}@customer.example")


@pytest.mark.timeout(240)
def test_killed_in_the_middle_nothing_is_lost_and_nothing_comes_twice(
    org: Org, topics: str, database: str, tmp_path: Path
) -> None:
    make_contacts(org, 401)
    config = tmp_path / "config"
    shutil.copytree(CONFIG_DIR, config)
    (config / "salesforce_customers.yaml").write_text(MAP)
    # So slow that there is a middle.
    slow = {"double": "salesforce", "kind": "late", "operations": ["query_more"], "seconds": 1.5}
    org.http.post("/faults", json={**slow, "hidden_seconds": 0}).raise_for_status()

    killed = Ingest(topics, database, tmp_path, config)
    try:
        eventually(lambda: 0 < taken(org) < 401)
    finally:
        killed.kill()
    assert taken(org) < 401
    org.http.delete("/faults").raise_for_status()

    with closing(Ingest(topics, database, tmp_path, config)) as ingest:
        eventually(lambda: taken(org) == 401)
        eventually(lambda: len({event.person_key for event in ingest.events(ProfileChanged)}) == 401)
        assert {event.version for event in ingest.events(ProfileChanged)} == {1}
    assert len(org.news()) == 401


def taken(org: Org) -> int:
    with org.pool.connection() as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM salesforce_records").fetchall()
    return int(count)
