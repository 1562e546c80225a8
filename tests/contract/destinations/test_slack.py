"""What only Slack does."""

from uuid import uuid4

import httpx
import pytest

from services.router.destination import Call, Delivered, Failed, Found, Operation, Retry
from services.router.destinations import slack as slack_destination
from tests.contract.destinations.world import PLUGINS, Connect, call, content_of, facts

ACTION = {
    "channel": "customer-success",
    "links": [{"text": "Account", "url": "https://crm.test/accounts/{account_id}"}],
}


def card(score: int = 3) -> dict[str, object]:
    return content_of(PLUGINS["slack"], ACTION, facts(score))


def created(connect: Connect) -> tuple[Call, Delivered]:
    asked = call(Operation.CREATE, card(), uuid4())
    result = connect("slack").deliver(asked)
    assert isinstance(result, Delivered)
    return asked, result


def test_the_card_names_score_group_account_and_comment_and_metadata_names_nobody(
    connect: Connect, world: httpx.Client
) -> None:
    asked, _ = created(connect)

    (message,) = world.get("/received/slack").json()["items"]

    assert "Detractor: 3 of 10" in message["text"]
    shown = str(message["blocks"])
    for words in ("Globex", "Mirela Petrova", "export has been broken", "enterprise", "maya.lindqvist"):
        assert words in shown
    assert message["metadata"] == {
        "event_type": "feedback_effect",
        "event_payload": {"effect_id": str(asked.effect_id), "version": 1},
    }


def test_an_update_redraws_the_same_message_and_raises_its_version(
    connect: Connect, world: httpx.Client
) -> None:
    asked, first = created(connect)

    connect("slack").deliver(
        call(Operation.UPDATE, card(score=9), asked.effect_id, version=4, external_id=first.external_id)
    )

    (message,) = world.get("/received/slack").json()["items"]
    assert "9 of 10" in message["text"]
    assert message["edits"] == 1
    assert message["metadata"]["event_payload"]["version"] == 4


def test_a_retraction_leaves_a_note_without_the_customers_words(
    connect: Connect, world: httpx.Client
) -> None:
    asked, first = created(connect)

    connect("slack").deliver(
        call(Operation.RETRACT, card(), asked.effect_id, version=2, external_id=first.external_id)
    )

    (message,) = world.get("/received/slack").json()["items"]
    assert message["text"].startswith("Withdrawn")
    assert "export" not in str(message)
    assert "Mirela" not in str(message)


def test_of_several_messages_of_one_effect_the_first_stays(connect: Connect, world: httpx.Client) -> None:
    slack = connect("slack")
    asked = call(Operation.CREATE, card(), uuid4())
    first, second = slack.deliver(asked), slack.deliver(asked)

    found = slack.reconcile(asked)

    assert isinstance(first, Delivered)
    assert first != second
    assert found == Found(str(first.external_id))
    (message,) = world.get("/received/slack").json()["items"]
    assert message["ts"] in str(first.external_id)


def test_an_effect_is_found_on_a_later_page_of_the_history(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_destination, "HISTORY_PAGE", 20)
    slack = connect("slack")
    asked = call(Operation.CREATE, card(), uuid4())
    wanted = slack.deliver(asked)
    for _ in range(50):
        assert isinstance(slack.deliver(call(Operation.CREATE, card(), uuid4())), Delivered)

    assert isinstance(wanted, Delivered)
    assert slack.reconcile(asked) == Found(str(wanted.external_id))


def test_a_message_somebody_deleted_is_retracted_already_and_cannot_be_updated(
    connect: Connect, world: httpx.Client
) -> None:
    asked, first = created(connect)
    world.delete("/received").raise_for_status()
    slack = connect("slack")

    gone = call(Operation.RETRACT, card(), asked.effect_id, version=2, external_id=first.external_id)
    late = call(Operation.UPDATE, card(), asked.effect_id, version=2, external_id=first.external_id)

    assert slack.deliver(gone) == first
    assert slack.deliver(late) == Failed("message_not_found")


def test_slacks_own_limit_of_a_message_a_second_is_kept_by_default(
    connect: Connect, world: httpx.Client
) -> None:
    slack = connect("slack")
    assert slack.limits.calls_per_second == 1
    world.put("/limits", json={"factor": 1}).raise_for_status()

    results = [slack.deliver(call(Operation.CREATE, card(), uuid4())) for _ in range(8)]

    refused = [result for result in results if isinstance(result, Retry)]
    assert refused, "the double takes no more than Slack does"
    assert all(result.retry_after_seconds == 1 for result in refused)
