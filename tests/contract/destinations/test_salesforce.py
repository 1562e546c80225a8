"""What only Salesforce does."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest
from prometheus_client import REGISTRY

from services.router.destination import Delivered, Destination, Failed, Operation, Retry
from tests.contract.destinations.world import PLUGINS, Connect, call, content_of, facts


def case(score: int = 3) -> dict[str, Any]:
    return content_of(PLUGINS["salesforce"], {"priority": "High"}, facts(score))


def records(world: httpx2.Client, kind: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = world.get("/received/salesforce", params={"object": kind}).json()["items"]
    return items


def only_case(world: httpx2.Client) -> dict[str, Any]:
    (found,) = records(world, "Case")
    return found


def test_the_case_belongs_to_the_csm_and_no_assignment_rule_takes_it_away(
    connect: Connect, world: httpx2.Client
) -> None:
    connect("salesforce").deliver(call(Operation.CREATE, case(), uuid4()))

    maya = next(user for user in records(world, "User") if user["Email"] == "maya.lindqvist@acme.test")
    found = only_case(world)
    assert found["OwnerId"] == maya["Id"]
    assert found["Subject"] == "Detractor: 3 of 10 (NPS), Globex"
    assert "export has been broken" in found["Description"]
    assert (found["Status"], found["Priority"], found["SuppliedEmail"]) == (
        "New",
        "High",
        "mirela@customer.test",
    )


def test_without_an_owner_we_know_the_assignment_rules_decide(connect: Connect, world: httpx2.Client) -> None:
    connect("salesforce").deliver(
        call(Operation.CREATE, case() | {"owner_email": "nobody@acme.test"}, uuid4())
    )

    (queue,) = records(world, "Group")
    assert only_case(world)["OwnerId"] == queue["Id"]


def test_an_update_neither_reopens_nor_reassigns(connect: Connect, world: httpx2.Client) -> None:
    salesforce = connect("salesforce")
    effect_id = uuid4()
    made = salesforce.deliver(call(Operation.CREATE, case(), effect_id))
    assert isinstance(made, Delivered)
    salesforce.deliver(call(Operation.RETRACT, case(), effect_id, version=2, external_id=made.external_id))
    owner = only_case(world)["OwnerId"]
    assert only_case(world)["Status"] == "Closed"
    assert "withdrawn" in only_case(world)["Comments"]

    salesforce.deliver(
        call(Operation.UPDATE, case(score=0), effect_id, version=3, external_id=made.external_id)
    )

    assert only_case(world)["Subject"].startswith("Detractor: 0 of 10")
    assert (only_case(world)["Status"], only_case(world)["OwnerId"]) == ("Closed", owner)


def test_an_ended_session_is_renewed_once_and_nothing_is_lost(connect: Connect, world: httpx2.Client) -> None:
    salesforce = connect("salesforce")
    salesforce.deliver(call(Operation.CREATE, case(), uuid4()))
    assert world.delete("/salesforce-sessions").json()["ended"] >= 1

    other = case() | {"person_key": "k2"}
    assert isinstance(salesforce.deliver(call(Operation.CREATE, other, uuid4())), Delivered)
    assert len(records(world, "Case")) == 2
    assert world.get("/received").json()["calls"]["salesforce"]["token"] == {"ok": 2}
    assert {record["OwnerId"] for record in records(world, "Case")} == {only_owner(world)}


def only_owner(world: httpx2.Client) -> str:
    return str(next(u["Id"] for u in records(world, "User") if u["Email"] == "maya.lindqvist@acme.test"))


@pytest.mark.filterwarnings("ignore::UserWarning:simple_salesforce.login")
def test_a_refused_login_is_retried_and_says_no_more_than_its_code(
    connect: Connect, world: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    del world
    monkeypatch.setenv("SALESFORCE_USERNAME", "somebody.else@acme.test")

    assert connect("salesforce").deliver(call(Operation.CREATE, case(), uuid4())) == Retry("invalid_grant")


def test_an_account_that_does_not_exist_fails_for_good(connect: Connect, world: httpx2.Client) -> None:
    salesforce = connect("salesforce")

    result = salesforce.deliver(
        call(Operation.CREATE, case() | {"account_id": "001000000000000AAA"}, uuid4())
    )

    assert result == Failed("INVALID_CROSS_REFERENCE_KEY")
    assert records(world, "Case") == []


def test_the_daily_allowance_is_exported(connect: Connect) -> None:
    connect("salesforce").deliver(call(Operation.CREATE, case(), uuid4()))

    used = REGISTRY.get_sample_value("feedback_salesforce_daily_calls", {"kind": "used"})
    assert used is not None
    assert used >= 1
    limit = REGISTRY.get_sample_value("feedback_salesforce_daily_calls", {"kind": "limit"})
    assert limit == 100_000 * 1000, "the double's allowance, times the factor the limits were raised by"


def test_a_quote_in_an_address_stays_inside_the_query(connect: Connect, world: httpx2.Client) -> None:
    salesforce: Destination = connect("salesforce")
    hostile = case() | {"email": "x' OR Email != 'y@acme.test", "owner_email": "o'brien@acme.test"}

    result = salesforce.deliver(call(Operation.CREATE, hostile, uuid4()))

    # Salesforce itself refuses the address for SuppliedEmail; the queries before it were well formed.
    assert result == Failed("INVALID_EMAIL_ADDRESS")
    assert world.get("/received").json()["calls"]["salesforce"]["query"] == {"ok": 3}
