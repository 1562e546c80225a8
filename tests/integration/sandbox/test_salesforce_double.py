"""The Salesforce double under the real simple_salesforce client."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import jwt
import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce, SFType
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceError,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from sandbox.client import Credentials, RunningSandbox

BY_EFFECT = "Feedback_Effect_Id__c"


class Redirect(HTTPAdapter):
    """Sends what simple_salesforce addresses to salesforce.com to the sandbox, with a time limit."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        super().__init__()
        self._base = urlsplit(url)
        self._timeout_seconds = timeout_seconds

    def send(  # type: ignore[override]  # requests passes everything by name
        self,
        request: requests.PreparedRequest,
        **options: Any,  # noqa: ANN401 - passed on as it came
    ) -> requests.Response:
        asked = urlsplit(str(request.url))
        path = asked.path if asked.path.startswith("/salesforce/") else f"/salesforce{asked.path}"
        request.url = urlunsplit((self._base.scheme, self._base.netloc, path, asked.query, ""))
        return super().send(request, **options | {"timeout": self._timeout_seconds})


def client_of(
    sandbox: RunningSandbox,
    *,
    version: str = "59.0",
    timeout_seconds: float = 10,
    credentials: Credentials | None = None,
    domain: str = "login",
) -> Salesforce:
    session = requests.Session()
    session.mount("https://", Redirect(sandbox.url, timeout_seconds))
    presented = credentials or sandbox.credentials
    return Salesforce(
        session=session,
        version=version,
        domain=domain,
        username=presented.salesforce_username,
        consumer_key=presented.salesforce_client_id,
        privatekey=presented.salesforce_private_key,
    )


@pytest.fixture
def org(sandbox: RunningSandbox, world: httpx2.Client) -> Salesforce:
    del world  # only cleared
    return client_of(sandbox)


def objects(org: Salesforce, name: str) -> SFType:
    kind: SFType = getattr(org, name)
    return kind


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(SalesforceError) as caught:
        call()
    content: Any = caught.value.content
    return caught.value.status, content[0]["errorCode"]


def upsert(org: Salesforce, effect: str, values: Mapping[str, object], **headers: str) -> requests.Response:
    answer: requests.Response = objects(org, "Case").upsert(
        f"{BY_EFFECT}/{effect}", dict(values), raw_response=True, headers=headers
    )
    return answer


def test_an_upsert_creates_then_updates_the_one_record(sandbox: RunningSandbox, org: Salesforce) -> None:
    values = {"Subject": "Detractor", "Status": "New"}
    created = upsert(org, "e1", values, **{"Sforce-Auto-Assign": "FALSE"})
    assert created.status_code == 201
    assert created.json()["created"] is True
    again = upsert(org, "e1", {"Priority": "High"})
    assert (again.status_code, again.json()["created"], again.json()["id"]) == (
        200,
        False,
        created.json()["id"],
    )
    assert upsert(client_of(sandbox, version="45.0"), "e1", {"Priority": "Low"}).status_code == 204

    case = objects(org, "Case").get_by_custom_id(BY_EFFECT, "e1")
    assert (case["Subject"], case["Priority"], case["IsClosed"]) == ("Detractor", "Low", False)
    objects(org, "Case").update(case["Id"], {"Status": "Closed"})
    closed = org.query(
        format_soql("SELECT Id, IsClosed, ClosedDate, Owner.Name FROM Case WHERE Id = {}", case["Id"])
    )
    assert closed["totalSize"] == 1
    assert closed["records"][0]["IsClosed"] is True
    assert closed["records"][0]["Owner"]["Name"] == "Feedback Router"


def test_a_record_that_is_not_there(org: Salesforce) -> None:
    with pytest.raises(SalesforceResourceNotFound):
        objects(org, "Case").get_by_custom_id(BY_EFFECT, "unknown")
    with pytest.raises(SalesforceResourceNotFound):
        objects(org, "Case").get_by_custom_id("Subject", "no external id")


def test_an_external_id_with_a_slash_is_one_value(org: Salesforce) -> None:
    upsert(org, "a%2Fb", {"Subject": "x"})
    assert org.query("SELECT Feedback_Effect_Id__c FROM Case")["records"][0][BY_EFFECT] == "a/b"


def test_several_matches_answer_300(org: Salesforce) -> None:
    for name in ("One", "Two"):
        objects(org, "Contact").create({"LastName": name, "Customer_Id__c": "c-1"})
    with pytest.raises(SalesforceMoreThanOneRecord) as caught:
        objects(org, "Contact").upsert("Customer_Id__c/c-1", {"Phone": "1"})
    assert len(caught.value.content) == 2


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"Sbject": "x"}, 400, "INVALID_FIELD"),
        ({"Subject": "x" * 256}, 400, "STRING_TOO_LONG"),
        ({"Status": "Sleeping"}, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"SuppliedEmail": "nobody"}, 400, "INVALID_EMAIL_ADDRESS"),
        ({"IsClosed": True}, 400, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Feedback_Score__c": "high"}, 400, "JSON_PARSER_ERROR"),
        ({"Subject": 3}, 400, "JSON_PARSER_ERROR"),
        ({"ContactId": "x"}, 400, "MALFORMED_ID"),
        ({"ContactId": "0035g0000ABCDEF"}, 400, "INVALID_CROSS_REFERENCE_KEY"),
        ({BY_EFFECT: "e1"}, 400, "INVALID_FIELD"),
    ],
)
def test_values_the_service_refuses(
    org: Salesforce, world: httpx2.Client, values: dict[str, object], status: int, code: str
) -> None:
    assert refusal(lambda: upsert(org, "e1", values)) == (status, code)
    assert world.get("/received").json()["salesforce"]["Case"] == 0


def test_a_required_field_and_a_unique_one(org: Salesforce) -> None:
    assert refusal(lambda: objects(org, "Contact").create({"FirstName": "Only"})) == (
        400,
        "REQUIRED_FIELD_MISSING",
    )
    objects(org, "Case").create({BY_EFFECT: "e1"})
    assert refusal(lambda: objects(org, "Case").create({BY_EFFECT: "E1"})) == (400, "DUPLICATE_VALUE")


def test_collections_answer_row_by_row(org: Salesforce) -> None:
    def row(effect: str, **values: object) -> dict[str, object]:
        return {"attributes": {"type": "Case"}, BY_EFFECT: effect, "Subject": "x", **values}

    def collection(rows: list[dict[str, object]]) -> list[dict[str, Any]]:
        path = f"composite/sobjects/Case/{BY_EFFECT}"
        body = {"allOrNone": False, "records": rows}
        return list(org.restful(path, method="PATCH", json=body) or ())

    upsert(org, "known", {"Subject": "old"})
    rows = collection([row("new"), row("known"), row("twice"), row("twice"), row("bad", Status="Sleeping")])

    assert [(one["success"], one.get("created")) for one in rows] == [
        (True, True),
        (True, False),
        (False, None),
        (False, None),
        (False, None),
    ]
    assert [one["errors"][0]["statusCode"] for one in rows[2:]] == [
        "DUPLICATE_VALUE",
        "DUPLICATE_VALUE",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    ]
    assert refusal(lambda: collection([row(f"n{number}") for number in range(201)]))[0] == 400


def test_queries(org: Salesforce) -> None:
    account = objects(org, "Account").create({"Name": "O'Brien & Sons"})["id"]
    for number in range(3):
        objects(org, "Contact").create(
            {"LastName": f"L{number}", "Email": f"l{number}@acme.test", "AccountId": account}
        )
    wanted = format_soql("SELECT Id, Account.Name FROM Contact WHERE Account.Name = {}", "o'brien & sons")
    assert {one["Account"]["Name"] for one in org.query(wanted)["records"]} == {"O'Brien & Sons"}
    ordered = org.query(
        "SELECT LastName FROM Contact WHERE Email IN ('l0@acme.test', 'L2@acme.test') AND CreatedDate > "
        "2020-01-01T00:00:00Z ORDER BY LastName DESC LIMIT 5"
    )
    assert [one["LastName"] for one in ordered["records"]] == ["L2", "L0"]
    assert org.query("SELECT COUNT() FROM Contact")["totalSize"] == 3
    assert refusal(lambda: org.query("SELECT Nmae FROM Contact")) == (400, "INVALID_FIELD")
    assert refusal(lambda: org.query("SELECT Name FROM Contact GROUP BY Name")) == (400, "MALFORMED_QUERY")


def test_a_long_result_comes_in_pages(org: Salesforce) -> None:
    for start in range(0, 2200, 200):
        rows = [{"attributes": {"type": "Case"}, BY_EFFECT: f"p{start + number}"} for number in range(200)]
        org.restful(f"composite/sobjects/Case/{BY_EFFECT}", method="PATCH", json={"records": rows})
    first = org.query("SELECT Feedback_Effect_Id__c FROM Case")
    assert (len(first["records"]), first["totalSize"], first["done"]) == (2000, 2200, False)
    assert len(org.query_all("SELECT Feedback_Effect_Id__c FROM Case")["records"]) == 2200


def test_without_the_header_the_assignment_rule_takes_a_new_case(org: Salesforce) -> None:
    maya = org.query("SELECT Id FROM User WHERE Email = 'maya.lindqvist@acme.test'")["records"][0]["Id"]
    upsert(org, "taken", {"OwnerId": maya})
    upsert(org, "kept", {"OwnerId": maya}, **{"Sforce-Auto-Assign": "FALSE"})
    owners = {
        effect: objects(org, "Case").get_by_custom_id(BY_EFFECT, effect)["OwnerId"]
        for effect in ("taken", "kept")
    }
    assert owners["kept"] == maya
    assert owners["taken"].startswith("00G")


@pytest.mark.filterwarnings("ignore:(?s).*self-authorize:UserWarning")
def test_the_login_is_checked(sandbox: RunningSandbox) -> None:
    right = sandbox.credentials
    stranger = Credentials.generate().salesforce_private_key
    for wrong, said in (
        (replace(right, salesforce_private_key=stranger), "invalid assertion"),
        (replace(right, salesforce_username="someone@acme.test"), "hasn't approved this consumer"),
        (replace(right, salesforce_client_id="other"), "client identifier invalid"),
    ):
        with pytest.raises(SalesforceAuthenticationFailed, match=said):
            client_of(sandbox, credentials=wrong)
    with pytest.raises(SalesforceAuthenticationFailed, match="audience is invalid"):
        client_of(sandbox, domain="acme.my")


def test_an_expired_assertion_is_refused(sandbox: RunningSandbox) -> None:
    claims = {
        "iss": sandbox.credentials.salesforce_client_id,
        "sub": sandbox.credentials.salesforce_username,
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) - 1,
    }
    assertion = jwt.encode(claims, sandbox.credentials.salesforce_private_key, algorithm="RS256")
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    answer = httpx2.post(f"{sandbox.url}/salesforce/services/oauth2/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_an_ended_session_asks_for_a_new_login(
    sandbox: RunningSandbox, org: Salesforce, world: httpx2.Client
) -> None:
    ended = {"Authorization": f"Bearer {org.session_id}"}
    assert world.delete("/salesforce-sessions").json()["ended"] >= 1
    answer = httpx2.get(f"{sandbox.url}/salesforce/services/data/v59.0/limits", headers=ended)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert org.query("SELECT Id FROM Case")["totalSize"] == 0  # the client logs in again by itself
    assert org.session_id != ended["Authorization"].removeprefix("Bearer ")


def test_calls_are_counted_against_the_days_allowance(org: Salesforce, world: httpx2.Client) -> None:
    world.put("/limits", json={"factor": 0.00003})
    for _ in range(3):
        org.query("SELECT Id FROM Case")
    usage = org.api_usage["api-usage"]
    assert (usage.used, usage.total) == (3, 3)
    assert refusal(lambda: org.query("SELECT Id FROM Case")) == (403, "REQUEST_LIMIT_EXCEEDED")


def test_an_upsert_meeting_one_that_is_still_applied_late_is_a_duplicate(
    sandbox: RunningSandbox, org: Salesforce, world: httpx2.Client
) -> None:
    order = {"double": "salesforce", "kind": "late", "count": 1, "seconds": 1.2, "hidden_seconds": 3}
    world.post("/faults", json={**order, "operations": ["Case.upsert"]}).raise_for_status()
    impatient = client_of(sandbox, timeout_seconds=1)
    with pytest.raises(requests.ReadTimeout):
        upsert(impatient, "e1", {"Subject": "late"})
    with pytest.raises(SalesforceResourceNotFound):
        objects(org, "Case").get_by_custom_id(BY_EFFECT, "e1")
    deadline = time.monotonic() + 10
    while world.get("/received").json()["salesforce"]["Case"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert refusal(lambda: upsert(org, "e1", {"Subject": "again"})) == (400, "DUPLICATE_VALUE")
    while org.query("SELECT Id FROM Case WHERE Feedback_Effect_Id__c = 'e1'")["totalSize"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert upsert(org, "e1", {"Subject": "again"}).status_code == 200
    assert world.get("/received").json()["salesforce"]["Case"] == 1


def test_a_dropped_answer_leaves_the_record(org: Salesforce, world: httpx2.Client) -> None:
    world.post("/faults", json={"double": "salesforce", "kind": "drop_answer", "count": 1}).raise_for_status()
    with pytest.raises(requests.ConnectionError):
        upsert(org, "e1", {"Subject": "made"})
    assert objects(org, "Case").get_by_custom_id(BY_EFFECT, "e1")["Subject"] == "made"


def test_describe_names_fields_and_picklists(org: Salesforce) -> None:
    fields = {field["name"]: field for field in objects(org, "Case").describe()["fields"]}
    assert fields[BY_EFFECT]["externalId"]
    assert {value["value"] for value in fields["Status"]["picklistValues"]} >= {"New", "Closed"}


def test_a_user_of_the_org_changes_a_case_and_a_later_query_sees_who_and_when(
    org: Salesforce, world: httpx2.Client
) -> None:
    since = org.query("SELECT CreatedDate FROM User LIMIT 1")["records"][0]["CreatedDate"]
    upsert(org, "e1", {"Subject": "Detractor"})
    case = objects(org, "Case").get_by_custom_id(BY_EFFECT, "e1")
    maya = {"by": "maya.lindqvist@acme.test"}
    closed = world.patch(
        f"/salesforce-records/Case/{case['Id']}", json=maya | {"values": {"Status": "Closed"}}
    )
    said = {"ParentId": case["Id"], "CommentBody": "Called her."}
    world.post("/salesforce-records/CaseComment", json=maya | {"values": said}).raise_for_status()

    assert closed.json()["IsClosed"] is True
    soql = "SELECT Id, IsClosed, LastModifiedBy.Email FROM Case WHERE SystemModstamp >= {}"
    (row,) = org.query(soql.format(since.replace("+0000", "Z")))["records"]
    assert (row["IsClosed"], row["LastModifiedBy"]["Email"]) == (True, "maya.lindqvist@acme.test")
    comments = org.query(
        "SELECT CommentBody, Parent.Feedback_Effect_Id__c, CreatedBy.Email FROM CaseComment"
    )["records"]
    assert [
        (one["CommentBody"], one["Parent"][BY_EFFECT], one["CreatedBy"]["Email"]) for one in comments
    ] == [("Called her.", "e1", "maya.lindqvist@acme.test")]
    assert (
        world.patch(f"/salesforce-records/Case/{case['Id']}", json=maya | {"values": {"No": 1}}).status_code
        == 422
    )


def test_a_collection_updates_by_record_id_and_one_locked_row_leaves_the_others(
    org: Salesforce, world: httpx2.Client
) -> None:
    ids = [objects(org, "Contact").create({"LastName": name})["id"] for name in ("One", "Two")]
    fault = {"double": "salesforce", "kind": "refused", "code": "UNABLE_TO_LOCK_ROW", "count": 1}
    world.post("/faults", json=fault | {"operations": ["Contact.row"]}).raise_for_status()
    rows = [{"attributes": {"type": "Contact"}, "id": one, "Phone": "1"} for one in (*ids, "003000000000000")]

    answer = org.restful("composite/sobjects", method="PATCH", json={"allOrNone": False, "records": rows})

    assert [one["success"] for one in answer or ()] == [False, True, False]
    assert [one["errors"][0]["statusCode"] for one in answer or () if one["errors"]] == [
        "UNABLE_TO_LOCK_ROW",
        "ENTITY_IS_DELETED",
    ]
    world.post("/faults", json=fault | {"operations": ["Contact.update"]}).raise_for_status()
    assert refusal(lambda: objects(org, "Contact").update(ids[0], {"Phone": "2"})) == (
        400,
        "UNABLE_TO_LOCK_ROW",
    )


def test_nobody_is_twice_a_member_of_a_campaign(org: Salesforce) -> None:
    campaign = objects(org, "Campaign").create({"Name": "Referral"})["id"]
    contact = objects(org, "Contact").create({"LastName": "One"})["id"]
    member = {"CampaignId": campaign, "ContactId": contact}
    objects(org, "CampaignMember").create(member)

    assert refusal(lambda: objects(org, "CampaignMember").create(member)) == (400, "DUPLICATE_VALUE")
