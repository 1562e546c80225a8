"""What people do with a Case in Salesforce reaches its follow-up, and what they do elsewhere the Case."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from runtime.postgres import Pool
from runtime.yaml_file import parse_yaml
from sandbox.client import Credentials, RunningSandbox
from schemas.outcomes import OutcomeKind, OutcomeRecorded
from services.router import follow_up_store, match_reviews
from services.router.delivery import Connected, Deliveries
from services.router.destination_settings import read_destinations
from services.router.destinations.salesforce import PLUGIN, Salesforce, Settings
from services.router.follow_up import FollowUp, Resolution, State
from services.router.follow_up_commands import AddNote, Change, Claim, Reopen, Resolve
from services.router.follow_up_desk import Desk
from services.router.follow_up_effects import Shown
from services.router.people import PeopleFile, people_of
from services.router.plugins import discover
from services.router.salesforce.sync import Sync
from tests.integration.router.world import World, answer, until

MAYA, JONAS, ROBOT = "maya.lindqvist@acme.test", "jonas.weber@acme.test", "aiko.tanaka@acme.test"
PEOPLE = people_of(
    parse_yaml(
        f"""
teams:
  cs: {{ name: CS }}
people:
  - {{ id: maya, name: Maya, email: {MAYA}, teams: [cs] }}
  - {{ id: jonas, name: Jonas, email: {JONAS}, teams: [cs] }}
""",
        PeopleFile,
        name="people.yaml",
    )
)
RULES = """
rules:
  - id: detractor
    why: they leave
    when: has(response.group) && response.group == "detractor"
    do:
      - {id: case, destination: salesforce, kind: case}
      - {id: a_task, destination: salesforce, kind: task}
    follow_up: {team: cs, first_contact_hours: 4, resolve_hours: 16}
"""
MEMBERS = """
rules:
  - id: promoter
    why: they recommend
    when: has(response.group) && response.group == "promoter"
    do: [{id: member, destination: salesforce, kind: campaign_member, campaign: Referral}]
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    log = tmp_path_factory.mktemp("sandbox") / "sandbox.log"
    with RunningSandbox.start(Credentials.generate(), log=log) as running:
        yield running


class Org(World):
    """A router whose one destination is the Salesforce double."""

    def __init__(self, pool: Pool, folder: Path, sandbox: RunningSandbox, salesforce: Salesforce) -> None:
        super().__init__(pool, folder)
        self.salesforce = salesforce
        self.http = httpx2.Client(base_url=sandbox.url, timeout=10)
        self.http.delete("/received").raise_for_status()
        self.http.put("/limits", json={"factor": 1000}).raise_for_status()
        self.people = PEOPLE
        self.clock.time = datetime.now(UTC)
        self.plugins["salesforce"] = PLUGIN
        self.desk = Desk(pool=pool, clock=self.clock, people=PEOPLE, shown=Shown(self.plugins))
        self.sync = Sync(org=salesforce, pool=pool, clock=self.clock, desk=self.desk)
        self.use_rules(RULES)

    def worker(self, name: str = "salesforce") -> Deliveries:
        del name  # there is one
        return Deliveries(
            connected=Connected(PLUGIN, self.salesforce, None),
            pool=self.pool,
            clock=self.clock,
            policy=self.policy,
            profiles_age_seconds=lambda: 0.0,
            people=self.people,
        )

    def opened(self) -> str:
        """A detractor with a Case; the follow-up's subject."""
        id_ = uuid4()
        self.say(answer(2, of=id_, responded_at=self.clock.now()))
        self.deliver_all()
        self.poll()
        return f"response:{id_}"

    def poll(self) -> None:
        assert self.sync.poll_cases() is None
        assert self.sync.poll_comments() is None

    def edit(self, who: str, kind: str, **values: object) -> None:
        record = self.only(kind)["Id"]
        answered = self.http.patch(f"/salesforce-records/{kind}/{record}", json={"by": who, "values": values})
        answered.raise_for_status()

    def comment(self, who: str, text: str) -> None:
        values = {"ParentId": self.only("Case")["Id"], "CommentBody": text}
        made = self.http.post("/salesforce-records/CaseComment", json={"by": who, "values": values})
        made.raise_for_status()

    def records(self, kind: str) -> list[dict[str, Any]]:
        found = self.http.get("/received/salesforce", params={"object": kind}).json()["items"]
        return list(found)

    def only(self, kind: str) -> dict[str, Any]:
        (found,) = self.records(kind)
        return found

    def follow_up(self, subject: str) -> FollowUp:
        with self.pool.connection() as connection:
            return follow_up_store.of_subjects(connection, [subject])[subject]

    def history(self, subject: str) -> list[tuple[str, str | None]]:
        with self.pool.connection() as connection:
            lines = follow_up_store.history(connection, self.follow_up(subject).id)
        return [(line.what, line.actor) for line in lines]

    def advocacy(self) -> list[str | None]:
        kind = OutcomeKind.ADVOCACY_CHANGED
        return [one.reason for one in self.said() if isinstance(one, OutcomeRecorded) and one.kind is kind]

    def user(self, email: str) -> str:
        return str(next(user["Id"] for user in self.records("User") if user["Email"] == email))


@pytest.fixture
def org(
    pool: Pool, tmp_path: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Org]:
    for name, value in sandbox.router_environment.items():
        monkeypatch.setenv(name, value)
    settings = read_destinations(Path("deploy/config/destinations.yaml"), discover())["salesforce"].settings()
    assert isinstance(settings, Settings)
    salesforce = PLUGIN.connect(settings)
    assert isinstance(salesforce, Salesforce)
    org = Org(pool, tmp_path, sandbox, salesforce)
    org.forget()
    yield org
    salesforce.close()
    org.http.close()


def test_a_case_closed_there_resolves_the_follow_up_and_completes_the_task(org: Org) -> None:
    subject = org.opened()
    org.edit(MAYA, "Case", Status="Closed")

    org.poll()

    it = org.follow_up(subject)
    assert (it.state, it.resolved_by, it.resolution) == (State.RESOLVED, "maya", Resolution.FIXED)
    org.deliver_all()
    assert org.only("Task")["Status"] == "Completed"
    assert org.only("Case")["Status"] == "Closed"


def test_reading_again_changes_nothing(org: Org) -> None:
    subject = org.opened()
    org.edit(MAYA, "Case", Status="Closed")
    org.comment(MAYA, "Called her.")
    org.poll()
    before = org.history(subject)

    for _ in range(3):
        org.poll()

    assert org.history(subject) == before
    assert [what for what, _ in before].count("noted") == 1


def test_with_the_business_clock_turned_ahead_the_latest_person_still_wins(org: Org) -> None:
    subject = org.opened()
    ahead = timedelta(days=31)
    org.clock.time = datetime.now(UTC) + ahead
    assert isinstance(org.desk.apply(subject, Claim("jonas"), via="slack"), Change)
    org.deliver_all()
    org.edit(MAYA, "Case", Status="Closed")
    org.clock.time = datetime.now(UTC) + ahead

    org.poll()

    it = org.follow_up(subject)
    assert (it.state, it.resolved_by) == (State.RESOLVED, "maya")


def test_another_owner_there_is_the_follow_ups_owner(org: Org) -> None:
    subject = org.opened()
    org.edit(MAYA, "Case", OwnerId=org.user(JONAS))

    org.poll()

    assert org.follow_up(subject).owner_id == "jonas"
    assert ("reassigned", "maya") in org.history(subject)


def test_a_comment_there_is_a_note_and_comes_back_as_no_comment(org: Org) -> None:
    subject = org.opened()
    org.comment(JONAS, "She is on holiday until Monday.")

    org.poll()
    org.deliver_all()

    assert ("noted", "jonas") in org.history(subject)
    assert len(org.records("CaseComment")) == 1


def test_a_note_from_elsewhere_is_a_comment_and_comes_back_as_no_note(org: Org) -> None:
    subject = org.opened()
    org.desk.apply(subject, AddNote("maya", "Sent her the workaround."), via="slack")
    org.deliver_all()

    assert "Maya: Sent her the workaround." in org.only("CaseComment")["CommentBody"]
    org.poll()
    assert [what for what, _ in org.history(subject)].count("noted") == 1


def test_resolving_elsewhere_closes_the_case_and_is_no_news_from_there(org: Org) -> None:
    subject = org.opened()
    org.desk.apply(subject, Resolve("maya", Resolution.TAUGHT), via="slack")
    org.deliver_all()
    assert org.only("Case")["Status"] == "Closed"
    before = org.history(subject)

    org.poll()

    assert org.history(subject) == before
    org.desk.apply(subject, Reopen("maya", "it came back"), via="slack")
    org.deliver_all()
    assert org.only("Case")["Status"] == "Working"
    org.poll()
    assert org.follow_up(subject).state is State.OPEN


def test_a_case_opened_again_there_opens_the_follow_up(org: Org) -> None:
    subject = org.opened()
    org.edit(MAYA, "Case", Status="Closed")
    org.poll()
    org.edit(JONAS, "Case", Status="Working")

    org.poll()

    assert org.follow_up(subject).state is State.OPEN
    assert ("reopened", "jonas") in org.history(subject)


def test_what_a_program_does_there_overrides_no_person(org: Org) -> None:
    subject = org.opened()
    org.salesforce.org_map = org.salesforce.org_map.model_copy(update={"automation_users": (ROBOT,)})
    assert isinstance(org.desk.apply(subject, Claim("jonas"), via="slack"), Change)
    org.deliver_all()
    org.edit(ROBOT, "Case", Status="Closed")

    org.poll()

    assert org.follow_up(subject).state is State.CLAIMED


def test_of_two_people_the_later_one_wins(org: Org) -> None:
    subject = org.opened()
    org.edit(MAYA, "Case", Status="Closed")
    org.clock.time = datetime.now(UTC) + timedelta(hours=1)
    org.desk.apply(subject, Claim("jonas"), via="slack")

    org.poll()

    assert org.follow_up(subject).state is State.CLAIMED


def test_one_case_with_several_answers_resolves_all_of_them(org: Org) -> None:
    first, second = org.opened(), org.opened()
    assert len(org.records("Case")) == 1
    org.edit(MAYA, "Case", Status="Closed")

    org.poll()

    assert {org.follow_up(subject).state for subject in (first, second)} == {State.RESOLVED}


def test_an_org_that_does_not_answer_is_asked_again_later(org: Org) -> None:
    subject = org.opened()
    org.edit(MAYA, "Case", Status="Closed")
    fault = {"double": "salesforce", "kind": "server_error", "status": 503, "count": 1}
    org.http.post("/faults", json={**fault, "operations": ["query"]}).raise_for_status()

    assert org.sync.poll_cases() is not None
    assert org.follow_up(subject).state is State.OPEN
    org.poll()

    assert org.follow_up(subject).state is State.RESOLVED


def test_whom_several_contacts_match_waits_for_a_person(org: Org) -> None:
    for name in ("One", "Two"):
        values = {"LastName": name, "Email": "ann@shop.test"}
        made = org.http.post("/salesforce-records/Contact", json={"by": MAYA, "values": values})
        made.raise_for_status()
    org.opened()

    with org.pool.connection() as connection:
        (review,) = match_reviews.listed(connection, 10)
        assert sorted(review.candidates) == sorted(one["Id"] for one in org.records("Contact"))
        assert review.person_key == "ann"
        assert match_reviews.counts(connection) == {"salesforce": 1}
        assert match_reviews.settle(connection, "salesforce", "ann")
        assert match_reviews.listed(connection, 10) == []


def test_answers_wait_for_one_another_and_travel_together(org: Org) -> None:
    org.use_rules(
        """
rules:
  - id: everybody
    why: the account team sees every answer
    when: has(response.score)
    do: [{id: record, destination: salesforce, kind: response, unmatched: create_contact}]
"""
    )
    now = org.clock.now()
    org.say(answer(9, person="first", responded_at=now))
    org.deliver_all()
    org.say(*(answer(9, person=f"person{number}", responded_at=now) for number in range(59)))
    org.deliver_all()

    calls = org.http.get("/received").json()["calls"]["salesforce"]
    assert len(org.records("Feedback_Response__c")) == 60
    assert sum(calls["Feedback_Response__c.collection"].values()) == 2


def test_a_lost_comment_is_found_though_its_case_was_closed_since(org: Org) -> None:
    org.opened()
    fault = {"double": "salesforce", "kind": "drop_answer", "count": 1, "operations": ["CaseComment"]}
    org.http.post("/faults", json=fault).raise_for_status()
    org.say(answer(1, responded_at=org.clock.now(), comment="and another thing"))
    with org.delivering():
        until(lambda: org.count("effects", "action = 'case' AND outside = 'unknown'") == 1)
    org.edit(MAYA, "Case", Status="Closed")

    org.ask("UPDATE pending SET due_at = now()")
    org.deliver_all()

    assert len(org.records("Case")) == 1
    assert sum("and another thing" in one["CommentBody"] for one in org.records("CaseComment")) == 1


def test_of_two_routers_one_asks_at_a_time(org: Org) -> None:
    other = Sync(org=org.salesforce, pool=org.pool, clock=org.clock, desk=org.desk)

    assert [org.sync.is_our_turn("Case"), other.is_our_turn("Case")] == [True, False]
    assert other.is_our_turn("CaseComment")
    org.ask("UPDATE salesforce_progress SET polled_at = polled_at - interval '1 minute'")
    assert [other.is_our_turn("Case"), org.sync.is_our_turn("Case")] == [True, False]


def test_what_becomes_of_a_campaigns_member_is_an_outcome_once(org: Org) -> None:
    made = {"by": MAYA, "values": {"Name": "Referral"}}
    org.http.post("/salesforce-records/Campaign", json=made).raise_for_status()
    contact = {"by": MAYA, "values": {"LastName": "Ann", "Email": "ann@shop.test"}}
    org.http.post("/salesforce-records/Contact", json=contact).raise_for_status()
    org.use_rules(MEMBERS)
    org.say(answer(10, responded_at=org.clock.now()))
    org.deliver_all()
    assert org.sync.poll_members() is None
    assert org.advocacy() == [], "what a member is made with says nothing"

    org.edit(MAYA, "CampaignMember", Status="Responded")
    for _ in range(2):
        assert org.sync.poll_members() is None
    org.edit(MAYA, "CampaignMember", Status="Published a review")
    assert org.sync.poll_members() is None

    assert org.advocacy() == ["responded", "published_a_review"]
