"""What the ledger relies on, of every destination alike, with the real client against the doubles."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from runtime.settings import read
from services.router.destination import (
    Absent,
    AfterAmbiguity,
    Ambiguous,
    Call,
    Delivered,
    Destination,
    Failed,
    Found,
    Operation,
    Retry,
    Sighting,
)
from tests.contract.destinations.world import PLUGINS, Connect, call, content_of, facts


def _slack(world: httpx2.Client, effect_id: UUID) -> list[Any]:
    items = world.get("/received/slack").json()["items"]
    return [one for one in items if one["metadata"]["event_payload"]["effect_id"] == str(effect_id)]


def _cases(world: httpx2.Client, effect_id: UUID) -> list[Any]:
    items = world.get("/received/salesforce", params={"object": "Case"}).json()["items"]
    return [one for one in items if one["Feedback_Effect_Id__c"] == str(effect_id)]


def _mails(world: httpx2.Client, effect_id: UUID) -> list[Any]:
    items = world.get("/received/mail").json()["items"]
    return [one for one in items if str(effect_id) in one["message_id"]]


def _comments(world: httpx2.Client, effect_id: UUID) -> list[Any]:
    return [
        comment
        for issue in world.get("/received/jira").json()["items"]
        for comment in issue["comments"]
        if comment["properties"][0]["value"] == {"effect_id": str(effect_id)}
    ]


def _webhooks(receiver: str) -> Callable[[httpx2.Client, UUID], list[Any]]:
    def arrived(world: httpx2.Client, effect_id: UUID) -> list[Any]:
        items = world.get(f"/received/{receiver}").json()["items"]
        return [one for one in items if one["webhook_id"] == str(effect_id)]

    return arrived


@dataclass(frozen=True)
class Subject:
    """A destination, the faults of the double that hit its writing call, and what arrived there."""

    name: str
    action: dict[str, Any]
    double: str
    operations: tuple[str, ...]
    arrived: Callable[[httpx2.Client, UUID], list[Any]]
    spoil: dict[str, Any]
    """Changes to the content that the service never takes; a webhook's receiver has no such rules."""

    def content(self, score: int = 3) -> dict[str, Any]:
        return content_of(PLUGINS[self.name], self.action, facts(score))


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject(
            "slack",
            {"channel": "customer-success"},
            "slack",
            ("chat.",),
            _slack,
            {"channel": "no-such-channel"},
        ),
        Subject(
            "salesforce",
            {"priority": "High"},
            "salesforce",
            ("Case.collection",),
            _cases,
            {"origin": "Pigeon"},
        ),
        Subject("email", {"template": "thank_you"}, "mail", ("message",), _mails, {"to": "nobody"}),
        Subject("marketing", {"campaign": "win_back"}, "marketing", ("events",), _webhooks("marketing"), {}),
        Subject("issues", {"project": "PROD"}, "jira", ("comment.create",), _comments, {"project": "NONE"}),
        Subject("health", {}, "health", ("events",), _webhooks("health"), {}),
        Subject("webhook.crm", {}, "webhook", ("events.crm",), _webhooks("webhook"), {}),
    )
}
assert SUBJECTS.keys() == PLUGINS.keys(), "every destination takes part in this suite"

every = pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
that_updates = pytest.mark.parametrize(
    "subject",
    [one for one in SUBJECTS.values() if PLUGINS[one.name].traits.updates],
    ids=lambda one: one.name,
)
that_reconciles = pytest.mark.parametrize(
    "subject",
    [
        one
        for one in SUBJECTS.values()
        if PLUGINS[one.name].traits.after_ambiguity is AfterAmbiguity.RECONCILE
    ],
    ids=lambda one: one.name,
)


def fault(world: httpx2.Client, subject: Subject, kind: str, **more: float) -> None:
    order = {"double": subject.double, "kind": kind, "operations": subject.operations, "count": 1, **more}
    world.post("/faults", json=order).raise_for_status()


AMPLE_SECONDS = 3
"""A deadline that a call's first requests keep on a busy machine too: what comes late is its last one."""


def reconciled(destination: Destination, wanted: type[Sighting], asked: Call) -> Sighting:
    """The first sighting of the wanted kind; what was applied late shows up late."""
    give_up = time.monotonic() + 20
    while not isinstance(sighting := destination.reconcile(asked), wanted):
        assert time.monotonic() < give_up, sighting
        time.sleep(0.2)
    return sighting


@every
def test_creates_one_object_that_carries_the_effects_id(
    subject: Subject, connect: Connect, world: httpx2.Client
) -> None:
    effect_id = uuid4()

    result = connect(subject.name).deliver(call(Operation.CREATE, subject.content(), effect_id))

    assert isinstance(result, Delivered)
    assert result.external_id
    assert len(subject.arrived(world, effect_id)) == 1


@that_updates
def test_updates_and_retracts_the_same_object(
    subject: Subject, connect: Connect, world: httpx2.Client
) -> None:
    effect_id, destination = uuid4(), connect(subject.name)
    created = destination.deliver(call(Operation.CREATE, subject.content(), effect_id))
    assert isinstance(created, Delivered)

    updated = destination.deliver(
        call(
            Operation.UPDATE, subject.content(score=1), effect_id, version=2, external_id=created.external_id
        )
    )
    retracted = destination.deliver(
        call(
            Operation.RETRACT, subject.content(score=1), effect_id, version=3, external_id=created.external_id
        )
    )

    assert updated == retracted == created
    assert len(subject.arrived(world, effect_id)) == 1


@every
def test_a_refusal_for_now_is_retried_when_the_service_says(
    subject: Subject, connect: Connect, world: httpx2.Client
) -> None:
    effect_id, destination = uuid4(), connect(subject.name)
    fault(world, subject, "rate_limited", seconds=7)

    result = destination.deliver(call(Operation.CREATE, subject.content(), effect_id))

    assert isinstance(result, Retry)
    if subject.name != "email":  # SMTP has no way to say when
        assert result.retry_after_seconds == 7
    assert subject.arrived(world, effect_id) == []


@every
def test_a_server_error_is_no_end(subject: Subject, connect: Connect, world: httpx2.Client) -> None:
    effect_id, destination = uuid4(), connect(subject.name)
    for status in (500, 502, 503):
        fault(world, subject, "server_error", status=status)

        result = destination.deliver(call(Operation.CREATE, subject.content(), effect_id))

        assert isinstance(result, Retry | Ambiguous), result
    assert isinstance(destination.deliver(call(Operation.CREATE, subject.content(), effect_id)), Delivered)
    assert len(subject.arrived(world, effect_id)) == 1


@every
def test_a_hanging_call_ends_at_its_deadline(
    subject: Subject, connect: Connect, world: httpx2.Client
) -> None:
    effect_id, destination = uuid4(), connect(subject.name)
    fault(world, subject, "hang", seconds=4)
    started = time.monotonic()

    result = destination.deliver(call(Operation.CREATE, subject.content(), effect_id, deadline_seconds=1))

    assert time.monotonic() - started < 1.2
    assert isinstance(result, Ambiguous)
    assert subject.arrived(world, effect_id) == []


@every
def test_a_lost_answer_is_ambiguous_and_never_makes_a_second_object(
    subject: Subject, connect: Connect, world: httpx2.Client
) -> None:
    effect_id, destination = uuid4(), connect(subject.name)
    fault(world, subject, "drop_answer")
    asked = call(Operation.CREATE, subject.content(), effect_id)

    assert isinstance(destination.deliver(asked), Ambiguous)

    match PLUGINS[subject.name].traits.after_ambiguity:
        case AfterAmbiguity.RECONCILE:
            found = destination.reconcile(asked)
            assert isinstance(found, Found)
            again = call(Operation.UPDATE, subject.content(), effect_id, external_id=found.external_id)
            assert destination.deliver(again) == Delivered(found.external_id)
        case AfterAmbiguity.REPEAT:
            assert isinstance(destination.deliver(asked), Delivered)
        case AfterAmbiguity.ASSUME_DELIVERED:
            assert isinstance(destination.reconcile(asked), Found)
    assert len(subject.arrived(world, effect_id)) == 1


@that_reconciles
def test_what_never_arrived_is_absent(subject: Subject, connect: Connect) -> None:
    asked = call(Operation.RECONCILE, subject.content(), uuid4())

    assert connect(subject.name).reconcile(asked) == Absent()


@that_reconciles
def test_a_call_applied_after_its_deadline_is_found_once_it_shows(
    subject: Subject, connect: Connect, world: httpx2.Client
) -> None:
    effect_id, destination = uuid4(), connect(subject.name)
    fault(world, subject, "late", seconds=AMPLE_SECONDS + 0.2, hidden_seconds=1.5)
    asked = call(Operation.CREATE, subject.content(), effect_id, deadline_seconds=AMPLE_SECONDS)

    assert isinstance(destination.deliver(asked), Ambiguous)

    assert reconciled(destination, Found, call(Operation.RECONCILE, subject.content(), effect_id))
    assert len(subject.arrived(world, effect_id)) == 1


@that_reconciles
def test_making_it_again_while_the_late_one_is_hidden_ends_with_one(
    subject: Subject, connect: Connect, world: httpx2.Client
) -> None:
    effect_id, destination = uuid4(), connect(subject.name)
    fault(world, subject, "late", seconds=AMPLE_SECONDS + 0.2, hidden_seconds=2)
    asked = call(Operation.CREATE, subject.content(), effect_id, deadline_seconds=AMPLE_SECONDS)
    assert isinstance(destination.deliver(asked), Ambiguous)
    give_up = time.monotonic() + 20
    while not subject.arrived(world, effect_id):
        assert time.monotonic() < give_up
        time.sleep(0.05)

    result = destination.deliver(call(Operation.CREATE, subject.content(), effect_id))
    while isinstance(result, Retry):
        assert time.monotonic() < give_up
        time.sleep(0.2)
        result = destination.deliver(call(Operation.CREATE, subject.content(), effect_id))
    time.sleep(2.5 + 0.2)  # the late one has left its hiding place
    found = destination.reconcile(call(Operation.RECONCILE, subject.content(), effect_id))

    assert isinstance(result, Delivered)
    assert isinstance(found, Found)
    assert len(subject.arrived(world, effect_id)) == 1


@pytest.mark.parametrize("subject", [one for one in SUBJECTS.values() if one.spoil], ids=lambda one: one.name)
def test_what_the_service_never_takes_fails_for_good(
    subject: Subject, connect: Connect, world: httpx2.Client
) -> None:
    effect_id = uuid4()

    result = connect(subject.name).deliver(
        call(Operation.CREATE, subject.content() | subject.spoil, effect_id)
    )

    assert isinstance(result, Failed)
    assert subject.arrived(world, effect_id) == []


@every
def test_nobody_listening_is_retried(
    subject: Subject, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BASE_URL", "http://127.0.0.1:9/api/")
    monkeypatch.setenv("SALESFORCE_INSTANCE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SALESFORCE_LOGIN_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SMTP_PORT", "9")
    for receiver in ("MARKETING", "HEALTH", "WEBHOOK_CRM", "ISSUES"):
        monkeypatch.setenv(f"{receiver}_URL", "http://127.0.0.1:9/")

    result = connect(subject.name).deliver(call(Operation.CREATE, subject.content(), uuid4()))

    assert isinstance(result, Retry)


@every
@pytest.mark.usefixtures("disconnected")
def test_without_credentials_it_is_disabled_and_names_the_variable(subject: Subject) -> None:
    plugin = PLUGINS[subject.name]

    reason = plugin.connect(read(plugin.settings))

    assert isinstance(reason, str)
    assert reason.endswith("is not set")


@every
def test_an_error_says_nothing_about_the_person(
    subject: Subject, connect: Connect, world: httpx2.Client
) -> None:
    destination = connect(subject.name)
    fault(world, subject, "server_error", status=503)

    result = destination.deliver(call(Operation.CREATE, subject.content(), uuid4()))

    assert isinstance(result, Retry)
    assert not any(word in result.cause for word in ("Mirela", "mirela", "export", "@"))


@every
def test_the_same_facts_give_the_same_content(subject: Subject) -> None:
    plugin, about = PLUGINS[subject.name], facts()

    assert content_of(plugin, subject.action, about) == content_of(plugin, subject.action, about)
