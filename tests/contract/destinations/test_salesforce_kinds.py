"""Each kind of record in Salesforce, with the shipped salesforce.yaml."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.router.destination import (
    Call,
    Delivered,
    DeliversMany,
    Destination,
    Failed,
    Found,
    Operation,
    Result,
    Retry,
    Skipped,
)
from services.router.facts import AccountFacts, Facts, PreviousFacts, ProfileFacts
from services.router.follow_up import FollowUpView, State
from tests.contract.destinations.world import PLUGINS, Connect, call, content_of, facts

MAYA = "maya.lindqvist@acme.test"


@pytest.fixture
def org(connect: Connect) -> Destination:
    return connect("salesforce")


def content(kind: str, about: Facts | None = None, **action: object) -> dict[str, Any]:
    return content_of(PLUGINS["salesforce"], {"kind": kind, **action}, about or facts())


def someone(number: int, *, score: int = 3, account: str | None = None) -> Facts:
    about = facts(score)
    profile = ProfileFacts(key=f"key-{number}", name=f"Ann {number}", email=f"ann{number}@customer.test")
    of = AccountFacts(id=f"a-{number}", salesforce_id=account) if account else None
    return about.model_copy(update={"profile": profile, "account": of})


def records(world: httpx2.Client, kind: str) -> list[dict[str, Any]]:
    found = world.get("/received/salesforce", params={"object": kind, "limit": 1000}).json()["items"]
    return list(found)


def only(world: httpx2.Client, kind: str) -> dict[str, Any]:
    (found,) = records(world, kind)
    return found


def made(world: httpx2.Client, kind: str, **values: object) -> str:
    answer = world.post(f"/salesforce-records/{kind}", json={"by": MAYA, "values": values})
    return str(answer.raise_for_status().json()["Id"])


def edited(world: httpx2.Client, kind: str, record: str, **values: object) -> None:
    answer = world.patch(f"/salesforce-records/{kind}/{record}", json={"by": MAYA, "values": values})
    answer.raise_for_status()


def create(org: Destination, what: dict[str, Any], effect: UUID | None = None) -> Delivered:
    result = org.deliver(call(Operation.CREATE, what, effect or uuid4()))
    assert isinstance(result, Delivered), result
    return result


def again(
    org: Destination,
    operation: Operation,
    what: dict[str, Any],
    effect: UUID,
    before: Delivered,
    *,
    shows: FollowUpView | None = None,
) -> Result:
    first = call(operation, what, effect, version=2, external_id=before.external_id)
    return org.deliver(
        Call(effect, operation, 2, first.external_id, what, first.deadline_seconds, follow_up=shows)
    )


def follow_up(state: State, at: datetime) -> FollowUpView:
    return FollowUpView(
        id=uuid4(),
        subject="response:x",
        state=state,
        owner_id="maya",
        owner_name="Maya",
        team="customer_success",
        first_contact_due_at=at,
        resolve_due_at=at,
        contact_breached=False,
        resolve_breached=False,
        resolved_at=at if state is State.RESOLVED else None,
        reopened_at=None if state is State.RESOLVED else at,
        version=2,
    )


def fault(world: httpx2.Client, operation: str, **order: object) -> None:
    body = {"double": "salesforce", "operations": [operation], "count": 1, **order}
    world.post("/faults", json=body).raise_for_status()


# --- Cases ---


def test_a_case_shows_the_facts_that_the_file_maps(org: Destination, world: httpx2.Client) -> None:
    create(org, content("case"))

    case = only(world, "Case")
    assert (case["Feedback_Score__c"], case["Feedback_Group__c"], case["Feedback_Themes__c"]) == (
        3,
        "detractor",
        "export",
    )
    assert case["Feedback_Comment__c"] == "The export has been broken for a week."
    assert case["Feedback_Person_Key__c"] == "k1"


def test_a_person_has_one_open_case_and_later_answers_are_comments_on_it(
    org: Destination, world: httpx2.Client
) -> None:
    first = create(org, content("case"))
    second, effect = content("case", facts(1, "Still broken.")), uuid4()
    appended = create(org, second, effect)

    assert only(world, "Case")["Id"] == first.external_id
    comment = only(world, "CaseComment")
    assert appended.external_id == f"{first.external_id}/{comment['Id']}"
    assert "Still broken." in comment["CommentBody"]

    changed = content("case", facts(1, "Fixed meanwhile, thank you."))
    assert again(org, Operation.UPDATE, changed, effect, appended) == appended
    assert "thank you" in only(world, "CaseComment")["CommentBody"]
    assert again(org, Operation.RETRACT, changed, effect, appended) == appended
    assert "withdrawn" in only(world, "CaseComment")["CommentBody"]
    assert only(world, "Case")["Status"] == "New"


def test_two_answers_of_a_person_at_once_open_one_case(org: Destination, world: httpx2.Client) -> None:
    fault(world, "Case.collection", kind="late", seconds=0, hidden_seconds=1.5)
    first = create(org, content("case"))
    effect, what = uuid4(), content("case", facts(1, "Still broken."))

    result = org.deliver(call(Operation.CREATE, what, effect))
    assert result == Retry("DUPLICATE_VALUE"), "the first one cannot be seen yet"
    give_up = time.monotonic() + 20
    while isinstance(result, Retry):
        assert time.monotonic() < give_up
        time.sleep(0.1)
        result = org.deliver(call(Operation.CREATE, what, effect))

    assert only(world, "Case")["Id"] == first.external_id
    assert "Still broken." in only(world, "CaseComment")["CommentBody"]


def test_after_the_case_is_closed_the_next_answer_opens_another(
    org: Destination, world: httpx2.Client
) -> None:
    first = create(org, content("case"))
    edited(world, "Case", str(first.external_id), Status="Closed")

    create(org, content("case"))

    assert [case["Status"] for case in records(world, "Case")] == ["Closed", "New"]


def test_withdrawing_the_first_answer_leaves_a_case_open_in_which_others_stand(
    org: Destination, world: httpx2.Client
) -> None:
    effect, what = uuid4(), content("case")
    first = create(org, what, effect)
    create(org, content("case"))

    again(org, Operation.RETRACT, what, effect, first)

    assert only(world, "Case")["Status"] == "New"
    assert any("has been withdrawn" in one["CommentBody"] for one in records(world, "CaseComment"))


@pytest.mark.parametrize("kind", ["case", "task", "response"])
def test_what_is_withdrawn_keeps_none_of_the_customers_words(
    org: Destination, world: httpx2.Client, kind: str
) -> None:
    effect, what = uuid4(), content(kind)
    first = create(org, what, effect)
    name = {"case": "Case", "task": "Task", "response": "Feedback_Response__c"}[kind]
    assert kind == "task" or only(world, name)["Feedback_Comment__c"]

    assert again(org, Operation.RETRACT, what, effect, first) == first

    shown = str(only(world, name))
    assert "broken for a week" not in shown
    assert "mirela@customer.test" not in shown
    assert "detractor" not in shown.lower()


def test_of_somebody_forgotten_colleagues_notes_go_too(org: Destination, world: httpx2.Client) -> None:
    case = create(org, content("case")).external_id
    what = {"kind": "note", "person_key": "k1", "note": "Mirela asked for a call."}
    made_note = call(Operation.CREATE, what, uuid4())
    noted = org.deliver(replace(made_note, parent_id=case))
    assert isinstance(noted, Delivered)
    gone = replace(made_note, operation=Operation.RETRACT, external_id=noted.external_id, parent_id=case)

    assert org.deliver(gone) == noted
    assert "Mirela" in only(world, "CaseComment")["CommentBody"], "a note stays when an answer is withdrawn"
    assert org.deliver(replace(gone, is_erased=True)) == noted
    assert "Mirela" not in only(world, "CaseComment")["CommentBody"]


@pytest.mark.parametrize("letter", ["話", "é", "💬", "\n.", "x"])
def test_the_longest_answer_in_any_script_is_appended_and_says_that_it_was_cut(
    org: Destination, world: httpx2.Client, letter: str
) -> None:
    first = create(org, content("case"))
    second = facts(2)
    assert second.response is not None
    said = second.response.model_copy(update={"comment": letter * 5_000})

    appended = create(org, content("case", second.model_copy(update={"response": said})))

    body = only(world, "CaseComment")["CommentBody"]
    assert str(appended.external_id).startswith(f"{first.external_id}/")
    words, _, mark = body.rpartition("\n\n")
    assert words.endswith("…")
    assert mark.startswith("[Feedback Router ")
    assert len(body.replace("\n", "\r\n").encode()) > 3_990


def test_a_lost_comment_is_found_and_never_written_twice(org: Destination, world: httpx2.Client) -> None:
    first = create(org, content("case"))
    effect, what = uuid4(), content("case", facts(2))
    fault(world, "CaseComment.create", kind="drop_answer")
    org.deliver(call(Operation.CREATE, what, effect))

    found = org.reconcile(call(Operation.RECONCILE, what, effect))

    assert found == Found(f"{first.external_id}/{only(world, 'CaseComment')['Id']}")
    create(org, what, effect)
    assert len(records(world, "CaseComment")) == 1


def test_a_resolved_follow_up_closes_its_case_and_a_reopened_one_opens_it(
    org: Destination, world: httpx2.Client
) -> None:
    effect, what = uuid4(), content("case")
    case = create(org, what, effect)

    again(org, Operation.UPDATE, what, effect, case, shows=follow_up(State.RESOLVED, datetime.now(UTC)))
    assert only(world, "Case")["Status"] == "Closed"
    again(org, Operation.UPDATE, what, effect, case, shows=follow_up(State.OPEN, datetime.now(UTC)))
    assert only(world, "Case")["Status"] == "Working"


def test_a_person_who_changed_the_case_later_wins(org: Destination, world: httpx2.Client) -> None:
    effect, what = uuid4(), content("case")
    case = create(org, what, effect)
    resolved_at = datetime(2026, 1, 1, tzinfo=UTC)
    edited(world, "Case", str(case.external_id), Status="Escalated")

    again(org, Operation.UPDATE, what, effect, case, shows=follow_up(State.RESOLVED, resolved_at))

    assert only(world, "Case")["Status"] == "Escalated"


def test_what_people_changed_in_a_case_stays_theirs(org: Destination, world: httpx2.Client) -> None:
    effect, what = uuid4(), content("case", priority="Low")
    case = create(org, what, effect)
    edited(world, "Case", str(case.external_id), Priority="High", Origin="Phone", SuppliedName="M. P.")

    again(org, Operation.UPDATE, content("case", facts(0), priority="Low"), effect, case)

    kept = only(world, "Case")
    assert (kept["Priority"], kept["Origin"], kept["SuppliedName"]) == ("High", "Phone", "M. P.")
    assert kept["Feedback_Score__c"] == 0


def test_a_record_type_is_found_by_its_name(org: Destination, world: httpx2.Client) -> None:
    create(org, content("case", record_type="Customer_Feedback"))

    assert only(world, "Case")["RecordTypeId"] == only(world, "RecordType")["Id"]


@pytest.mark.parametrize("case_id", ["number", "id"])
def test_a_poor_answer_about_a_closed_case_opens_it_again(
    org: Destination, world: httpx2.Client, case_id: str
) -> None:
    case = made(world, "Case", Subject="Login", Status="Closed")
    number = only(world, "Case")["CaseNumber"]
    about = facts()
    assert about.response is not None
    context = {"case_id": case if case_id == "id" else number}
    about = about.model_copy(update={"response": about.response.model_copy(update={"context": context})})
    effect, what = uuid4(), content("reopen", about)

    first = create(org, what, effect)

    assert only(world, "Case")["Status"] == "Working"
    assert "3 of 10" in only(world, "CaseComment")["CommentBody"]
    assert org.reconcile(call(Operation.RECONCILE, what, effect)) == Found(str(first.external_id))
    assert create(org, what, effect) == first
    assert len(records(world, "CaseComment")) == 1


@pytest.mark.parametrize("named", ["500000000000000AAA", "99999999", "x' OR Id != '", "../../Account"])
def test_an_answer_about_a_case_that_does_not_exist_fails_for_good(org: Destination, named: str) -> None:
    about = facts()
    assert about.response is not None
    about = about.model_copy(
        update={"response": about.response.model_copy(update={"context": {"case_id": named}})}
    )

    assert isinstance(org.deliver(call(Operation.CREATE, content("reopen", about), uuid4())), Failed)


def test_an_answer_about_no_case_reopens_none() -> None:
    plugin = PLUGINS["salesforce"]

    assert plugin.render(plugin.action(kind="reopen"), facts(), None) is None  # type: ignore[arg-type]  # unused


# --- who it is ---


def test_one_contact_is_linked_and_of_several_a_person_chooses(
    org: Destination, world: httpx2.Client
) -> None:
    contact = made(world, "Contact", LastName="Petrova", Email="mirela@customer.test")
    assert create(org, content("case")).review == ()
    assert only(world, "Case")["ContactId"] == contact

    twin = made(world, "Contact", LastName="Petrov", Email="MIRELA@customer.test")
    other = content("case") | {"person_key": "k2"}

    assert create(org, other).review == tuple(sorted((contact, twin)))
    assert records(world, "Case")[1]["ContactId"] is None


def test_an_unknown_person_is_made_a_contact_once_or_left_out(org: Destination, world: httpx2.Client) -> None:
    assert org.deliver(call(Operation.CREATE, content("case", unmatched="skip"), uuid4())) == Skipped(
        "no contact matches"
    )
    assert records(world, "Case") == []

    create(org, content("case", unmatched="create_contact"))
    create(org, content("task", unmatched="create_contact"))

    contact = only(world, "Contact")
    assert (contact["FirstName"], contact["LastName"], contact["Email"]) == (
        "Mirela",
        "Petrova",
        "mirela@customer.test",
    )
    assert only(world, "Case")["ContactId"] == only(world, "Task")["WhoId"] == contact["Id"]


# --- Tasks, campaigns ---


def test_a_task_goes_to_the_owner_and_is_completed_with_the_follow_up(
    org: Destination, world: httpx2.Client
) -> None:
    effect = uuid4()
    what = content("task", subject="Talk about the renewal", priority="High", due_in_days=3)
    task = create(org, what, effect)

    found = only(world, "Task")
    maya = next(user["Id"] for user in records(world, "User") if user["Email"] == MAYA)
    assert (found["OwnerId"], found["Priority"], found["ActivityDate"]) == (maya, "High", "2026-11-23")
    assert found["Subject"].startswith("Talk about the renewal: Detractor: 3 of 10")

    edited(world, "Task", str(task.external_id), Priority="Low", Status="In Progress")
    again(org, Operation.UPDATE, what, effect, task)
    assert (only(world, "Task")["Priority"], only(world, "Task")["Status"]) == ("Low", "In Progress")
    again(org, Operation.UPDATE, what, effect, task, shows=follow_up(State.RESOLVED, datetime.now(UTC)))
    assert only(world, "Task")["Status"] == "Completed"


def test_of_two_tasks_of_one_effect_one_is_swept(org: Destination, world: httpx2.Client) -> None:
    effect, what = uuid4(), content("task")
    first = create(org, what, effect)
    made(world, "Task", Subject="late twin", Feedback_Effect_Id__c=str(effect))

    assert org.reconcile(call(Operation.RECONCILE, what, effect)) == Found(str(first.external_id))
    assert only(world, "Task")["Id"] == first.external_id


def test_a_promoter_becomes_a_member_of_the_campaign_once(org: Destination, world: httpx2.Client) -> None:
    made(world, "Contact", LastName="Petrova", Email="mirela@customer.test")
    campaign = made(world, "Campaign", Name="Referral")
    effect, what = uuid4(), content("campaign_member", campaign="Referral")

    member = create(org, what, effect)

    assert only(world, "CampaignMember")["CampaignId"] == campaign
    # Whoever is a member already stays one, and is no second one.
    other_effect = uuid4()
    assert create(org, what, other_effect).external_id == member.external_id
    assert again(org, Operation.RETRACT, what, other_effect, member) == member
    assert len(records(world, "CampaignMember")) == 1
    again(org, Operation.RETRACT, what, effect, member)
    assert records(world, "CampaignMember") == []


def test_nobody_can_be_a_member_without_a_contact_or_a_campaign(
    org: Destination, world: httpx2.Client
) -> None:
    what = content("campaign_member", campaign="Referral")
    assert isinstance(org.deliver(call(Operation.CREATE, what, uuid4())), Failed)

    made(world, "Campaign", Name="Win back")
    there = content("campaign_member", campaign="Win back")

    assert org.deliver(call(Operation.CREATE, there, uuid4())) == Skipped("no contact matches")


# --- answers as records ---


def deliver_many(org: Destination, whats: Sequence[dict[str, Any]], operation: Operation) -> Sequence[Result]:
    assert isinstance(org, DeliversMany)
    return org.deliver_many([call(operation, what, uuid4(), deadline_seconds=20) for what in whats])


def test_250_answers_take_a_few_calls_of_at_most_200_rows(org: Destination, world: httpx2.Client) -> None:
    account = made(world, "Account", Name="Globex")
    whats = [
        content("response", someone(number, account=account), unmatched="create_contact")
        for number in range(250)
    ]

    results = deliver_many(org, whats, Operation.CREATE)

    assert all(isinstance(result, Delivered) for result in results)
    assert len({result.external_id for result in results if isinstance(result, Delivered)}) == 250
    calls = world.get("/received").json()["calls"]["salesforce"]
    assert calls["Feedback_Response__c.collection"] == {"ok": 2}
    assert calls["Contact.collection"] == {"ok": 2}
    assert calls["collection"] == {"ok": 1}, "one Account, once, however many answers it has"
    assert len(records(world, "Contact")) == 250
    response = records(world, "Feedback_Response__c")[0]
    assert (response["Contact__c"] is not None, response["Account__c"]) == (True, account)


def test_a_refused_row_fails_its_own_answer_only(org: Destination, world: httpx2.Client) -> None:
    whats = [content("response", someone(number), unmatched="create_contact") for number in range(4)]
    fault(world, "Contact.row", kind="refused", code="UNABLE_TO_LOCK_ROW")
    whats[2]["facts"]["response"]["group"] = "enthusiast"

    results = deliver_many(org, whats, Operation.CREATE)

    assert results[0] == Retry("UNABLE_TO_LOCK_ROW")
    assert isinstance(results[1], Delivered)
    assert results[2] == Failed("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    assert isinstance(results[3], Delivered)


def test_the_same_answer_or_person_twice_in_a_batch_is_one_row(
    org: Destination, world: httpx2.Client
) -> None:
    contact = made(world, "Contact", LastName="One", Email="ann1@customer.test")
    earlier, later = someone(1, score=2), someone(1, score=5)
    assert later.response is not None
    moved = later.response.model_copy(update={"responded_at": datetime(2026, 11, 21, tzinfo=UTC)})
    later = later.model_copy(update={"response": moved})
    whats = [content("response", one) for one in (later, earlier, later)]

    results = deliver_many(org, whats, Operation.CREATE)

    assert all(isinstance(result, Delivered) for result in results)
    assert len(records(world, "Feedback_Response__c")) == 2
    assert (only(world, "Contact")["Id"], only(world, "Contact")["Feedback_Score__c"]) == (contact, 5)


def test_an_earlier_answer_that_comes_late_does_not_hide_the_latest(
    org: Destination, world: httpx2.Client
) -> None:
    made(world, "Contact", LastName="One", Email="ann1@customer.test")
    late = someone(1, score=9)
    assert late.response is not None
    before = late.response.model_copy(update={"responded_at": datetime(2026, 11, 1, tzinfo=UTC)})

    create(org, content("response", someone(1, score=4)))
    create(org, content("response", late.model_copy(update={"response": before})))

    assert only(world, "Contact")["Feedback_Score__c"] == 4
    assert len(records(world, "Feedback_Response__c")) == 2


def test_a_withdrawn_answer_stays_as_withdrawn_and_the_one_before_counts_again(
    org: Destination, world: httpx2.Client
) -> None:
    made(world, "Contact", LastName="One", Email="ann1@customer.test")
    previous = PreviousFacts.model_validate(
        {"score": 8, "group": "passive", "responded_at": "2026-08-01T00:00:00Z"}
    )
    effect = uuid4()
    what = content("response", someone(1).model_copy(update={"previous": previous}))
    first = create(org, what, effect)

    again(org, Operation.RETRACT, what, effect, first)

    assert only(world, "Feedback_Response__c")["Feedback_Withdrawn__c"] is True
    assert only(world, "Contact")["Feedback_Score__c"] == 8


def test_of_several_answers_withdrawn_at_once_none_counts_again(
    org: Destination, world: httpx2.Client
) -> None:
    account = made(world, "Account", Name="Globex")
    made(world, "Contact", LastName="One", Email="ann1@customer.test", AccountId=account)
    whats: list[dict[str, Any]] = []
    previous: PreviousFacts | None = None
    for month, score in ((7, 9), (8, 4), (9, 2)):
        about = someone(1, score=score)
        assert about.response is not None
        at = datetime(2026, month, 1, 12, 0, 0, 123456, tzinfo=UTC)
        response = about.response.model_copy(update={"id": uuid4(), "responded_at": at})
        whats.append(
            content("response", about.model_copy(update={"response": response, "previous": previous}))
        )
        create(org, whats[-1])
        previous = PreviousFacts(score=score, group="detractor", responded_at=at)
    assert (only(world, "Contact")["Feedback_Score__c"], only(world, "Account")["Feedback_Score__c"]) == (
        2,
        2,
    )

    deliver_many(org, [whats[2], whats[1]], Operation.RETRACT)

    assert (only(world, "Contact")["Feedback_Score__c"], only(world, "Account")["Feedback_Score__c"]) == (
        9,
        9,
    )


def test_a_batch_whose_answer_was_lost_can_be_sent_again(org: Destination, world: httpx2.Client) -> None:
    whats = [content("response", someone(number), unmatched="create_contact") for number in range(3)]
    fault(world, "Feedback_Response__c.collection", kind="drop_answer")
    deliver_many(org, whats, Operation.CREATE)
    assert len(records(world, "Feedback_Response__c")) == 3

    results = deliver_many(org, whats, Operation.CREATE)

    assert all(isinstance(result, Delivered) for result in results)
    assert len(records(world, "Feedback_Response__c")) == len(records(world, "Contact")) == 3


# --- new records that travel together ---


def calls_made(world: httpx2.Client) -> dict[str, int]:
    made_calls = world.get("/received").json()["calls"]["salesforce"]
    return {operation: sum(results.values()) for operation, results in made_calls.items()}


@pytest.mark.parametrize(("kind", "name", "queries"), [("case", "Case", 2), ("task", "Task", 1)])
def test_new_records_are_made_in_a_few_calls(
    kind: str, name: str, queries: int, org: Destination, world: httpx2.Client
) -> None:
    create(org, content(kind, someone(1000)))  # asks for what is remembered afterwards
    before = calls_made(world)

    results = deliver_many(org, [content(kind, someone(number)) for number in range(40)], Operation.CREATE)

    assert len({result.external_id for result in results if isinstance(result, Delivered)}) == 40
    after = calls_made(world)
    assert after["query"] - before["query"] == queries
    assert after[f"{name}.collection"] - before[f"{name}.collection"] == 1
    assert len(records(world, name)) == 41


def test_only_new_records_travel_together(org: Destination) -> None:
    assert isinstance(org, DeliversMany)
    new = call(Operation.CREATE, content("case"), uuid4())
    late = call(Operation.UPDATE, content("case"), uuid4(), version=2, external_id="500x")
    note = call(Operation.CREATE, content("case") | {"kind": "note"}, uuid4())

    keys = [org.batch_key(one) for one in (new, late, note)]
    assert keys == ["case", None, None]


def test_what_locks_one_accounts_row_waits_in_one_lane_and_answers_records_in_another() -> None:
    plugin = PLUGINS["salesforce"]

    def lane(kind: str, about: Facts) -> str:
        return plugin.order_key(plugin.content.model_validate(content(kind, about)), about)

    mira, ann, bob = (someone(number, account=of) for number, of in enumerate(("001x", "001x", None)))
    assert lane("case", mira) == lane("task", ann) == lane("case", ann)
    assert lane("response", mira) == lane("response", ann) != lane("case", mira)
    assert lane("case", bob) not in {lane("case", ann), lane("response", bob)}


def test_in_a_batch_each_person_still_has_one_open_case(org: Destination, world: httpx2.Client) -> None:
    opened = create(org, content("case", someone(1))).external_id
    whats = [content("case", someone(number)) for number in (1, 2, 2, 3)]

    results = deliver_many(org, whats, Operation.CREATE)

    found = [str(result.external_id) for result in results if isinstance(result, Delivered)]
    assert len(records(world, "Case")) == 3
    assert [name.partition("/")[0] for name in found] == [opened, found[1], found[1], found[3]]
    assert ["/" in name for name in found] == [True, False, True, False]


def test_what_is_refused_of_a_batch_of_cases_hinders_none_of_the_others(
    org: Destination, world: httpx2.Client
) -> None:
    create(org, content("case", someone(0)))
    whats = [content("case", someone(number), unmatched="create_contact") for number in range(5)]
    whats[4] = content("case", someone(4), unmatched="skip")
    fault(world, "CaseComment.create", kind="refused", code="UNABLE_TO_LOCK_ROW")
    fault(world, "Contact.upsert", kind="refused", code="FIELD_CUSTOM_VALIDATION_EXCEPTION")
    fault(world, "Case.row", kind="refused", code="UNABLE_TO_LOCK_ROW")

    results = deliver_many(org, whats, Operation.CREATE)

    assert results[:3] == [
        Retry("UNABLE_TO_LOCK_ROW"),
        Failed("FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        Retry("UNABLE_TO_LOCK_ROW"),
    ]
    assert isinstance(results[3], Delivered)
    assert results[4] == Skipped("no contact matches")


# --- limits ---


def test_below_the_reserve_deliveries_wait_and_make_no_call(org: Destination, world: httpx2.Client) -> None:
    world.put("/limits", json={"factor": 0.0006})
    result: Result = Delivered()
    for number in range(30):
        result = org.deliver(call(Operation.CREATE, content("case", someone(number)), uuid4()))
        if isinstance(result, Retry):
            break

    assert isinstance(result, Retry)
    assert result.cause == "daily_calls_reserved"
    used = world.get("/received").json()["calls"]["salesforce"]
    assert "REQUEST_LIMIT_EXCEEDED" not in {code for counts in used.values() for code in counts}
    assert sum(number for counts in used.values() for number in counts.values()) < 60
    org.deliver(call(Operation.CREATE, content("case"), uuid4()))
    assert world.get("/received").json()["calls"]["salesforce"] == used


def test_a_locked_row_is_tried_again(org: Destination, world: httpx2.Client) -> None:
    fault(world, "Case.collection", kind="refused", code="UNABLE_TO_LOCK_ROW")
    effect, what = uuid4(), content("case")

    assert org.deliver(call(Operation.CREATE, what, effect)) == Retry("UNABLE_TO_LOCK_ROW")
    create(org, what, effect)
    assert len(records(world, "Case")) == 1
