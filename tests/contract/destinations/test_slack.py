"""What only Slack does."""

import json
from dataclasses import replace
from uuid import uuid4

import httpx2
import pytest

from services.router.destination import Absent, Call, Delivered, Failed, Found, Notice, Operation, Retry
from services.router.destinations.slack import PLUGIN
from services.router.follow_up import State
from services.router.people import Person
from services.router.slack import history
from services.router.slack.content import Content, Recipient
from tests.contract.destinations.world import PLUGINS, Connect, call, content_of, facts
from tests.unit.router.slack.test_follow_up_part import view

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
    connect: Connect, world: httpx2.Client
) -> None:
    asked, _ = created(connect)

    (message,) = world.get("/received/slack").json()["items"]

    assert "Detractor: 3 of 10" in message["text"]
    shown = str(message["blocks"])
    for words in ("Globex", "Mirela Petrova", "export has been broken", "enterprise"):
        assert words in shown
    assert message["metadata"] == {
        "event_type": "feedback_effect",
        "event_payload": {"effect_id": str(asked.effect_id), "version": 1},
    }


def test_the_owner_is_mentioned_by_their_address_which_is_looked_up_once(
    connect: Connect, world: httpx2.Client
) -> None:
    slack = connect("slack")
    for _ in range(3):
        slack.deliver(call(Operation.CREATE, card(), uuid4()))

    maya = slack_user(world, "Maya Lindqvist")
    for message in world.get("/received/slack").json()["items"]:
        assert f"Owner: <@{maya}>" in str(message["blocks"])
    assert world.get("/received").json()["calls"]["slack"]["users.lookupByEmail"] == {"ok": 1}


def test_an_owner_slack_does_not_know_is_named(connect: Connect, world: httpx2.Client) -> None:
    about = facts()
    assert about.account
    account = about.account.model_copy(update={"csm_email": "gone@acme.test"})
    content = content_of(PLUGINS["slack"], ACTION, about.model_copy(update={"account": account}))

    connect("slack").deliver(call(Operation.CREATE, content, uuid4()))

    (message,) = world.get("/received/slack").json()["items"]
    assert "Owner: gone@acme.test" in str(message["blocks"])


def test_the_follow_up_is_drawn_as_it_stood_when_the_call_was_decided(
    connect: Connect, world: httpx2.Client
) -> None:
    slack = connect("slack")
    asked = call(Operation.CREATE, card(), uuid4())
    first = slack.deliver(replace(asked, follow_up=view()))
    assert isinstance(first, Delivered)
    claimed = view(State.CLAIMED, owner_email="jonas.weber@acme.test", owner_name="Jonas Weber")

    slack.deliver(
        replace(
            asked, operation=Operation.UPDATE, follow_up=claimed, external_id=first.external_id, version=2
        )
    )

    (message,) = world.get("/received/slack").json()["items"]
    assert "Claimed by Jonas Weber" in message["text"]
    assert f"Owner: <@{slack_user(world, 'Jonas Weber')}>" in str(message["blocks"])
    assert "First contact due" in str(message["blocks"])


def test_words_below_a_card_lie_in_its_thread_and_are_found_there(
    connect: Connect, world: httpx2.Client
) -> None:
    slack = connect("slack")
    _, parent = created(connect)
    words = Content(channel="customer-success", text="Maya took this.").model_dump(mode="json")
    asked = replace(call(Operation.CREATE, words, uuid4()), parent_id=parent.external_id)

    posted, again = slack.deliver(asked), slack.deliver(asked)

    assert isinstance(posted, Delivered)
    assert again != posted
    assert slack.reconcile(asked) == Found(str(posted.external_id)), "one of the two was removed"
    items = world.get("/received/slack").json()["items"]
    assert [(item["text"], item["thread_ts"]) for item in items][1:] == [
        ("Maya took this.", str(parent.external_id).partition("/")[2])
    ]
    assert slack.reconcile(replace(asked, effect_id=uuid4())) == Absent()


def slack_user(world: httpx2.Client, name: str) -> str:
    """Id of the person in the double's menu of people."""
    return world.get("/").text.partition(f">{name}</option>")[0].rpartition('value="')[2].partition('"')[0]


def test_an_update_redraws_the_same_message_and_raises_its_version(
    connect: Connect, world: httpx2.Client
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
    connect: Connect, world: httpx2.Client
) -> None:
    asked, first = created(connect)

    connect("slack").deliver(
        call(Operation.RETRACT, card(), asked.effect_id, version=2, external_id=first.external_id)
    )

    (message,) = world.get("/received/slack").json()["items"]
    assert message["text"].startswith("Withdrawn")
    assert "export" not in str(message)
    assert "Mirela" not in str(message)


def test_of_several_messages_of_one_effect_the_first_stays(connect: Connect, world: httpx2.Client) -> None:
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
    monkeypatch.setattr(history, "PAGE", 20)
    slack = connect("slack")
    asked = call(Operation.CREATE, card(), uuid4())
    wanted = slack.deliver(asked)
    for _ in range(50):
        assert isinstance(slack.deliver(call(Operation.CREATE, card(), uuid4())), Delivered)

    assert isinstance(wanted, Delivered)
    assert slack.reconcile(asked) == Found(str(wanted.external_id))


def test_a_message_somebody_deleted_is_retracted_already_and_cannot_be_updated(
    connect: Connect, world: httpx2.Client
) -> None:
    asked, first = created(connect)
    world.delete("/received").raise_for_status()
    slack = connect("slack")

    gone = call(Operation.RETRACT, card(), asked.effect_id, version=2, external_id=first.external_id)
    late = call(Operation.UPDATE, card(), asked.effect_id, version=2, external_id=first.external_id)

    assert slack.deliver(gone) == first
    assert slack.deliver(late) == Failed("message_not_found")


def test_slacks_own_limit_of_a_message_a_second_is_kept_by_default(
    connect: Connect, world: httpx2.Client
) -> None:
    slack = connect("slack")
    assert slack.limits.calls_per_second == 1
    world.put("/limits", json={"factor": 1}).raise_for_status()

    results = [slack.deliver(call(Operation.CREATE, card(), uuid4())) for _ in range(8)]

    refused = [result for result in results if isinstance(result, Retry)]
    assert refused, "the double takes no more than Slack does"
    assert all(result.retry_after_seconds == 1 for result in refused)


def test_a_notice_names_its_recipient_below_the_card_and_reaches_them_alone_where_there_is_none(
    connect: Connect, world: httpx2.Client
) -> None:
    slack = connect("slack")
    _, parent = created(connect)
    card_content = Content.model_validate(card())
    maya = Person(id="maya", name="Maya Lindqvist", email="maya.lindqvist@acme.test")
    gone = Person(id="gone", name="Gone <!here>", email="gone@acme.test")

    def send(to: Person | None, shown: Content | None, parent_id: str | None) -> object:
        content = PLUGIN.notice and PLUGIN.notice(Notice("Due at 11:00 <!channel>", to), shown)
        assert content is not None
        asked = call(Operation.CREATE, content.model_dump(mode="json"), uuid4())
        return slack.deliver(replace(asked, parent_id=parent_id))

    for to in (maya, gone, None):
        send(to, card_content, parent.external_id)
    direct = send(maya, None, None)

    user = slack_user(world, "Maya Lindqvist")
    items = world.get("/received/slack").json()["items"]
    assert [item["text"] for item in items if item["thread_ts"]] == [
        f"<@{user}> Due at 11:00 &lt;!channel&gt;",
        "Gone &lt;!here&gt; Due at 11:00 &lt;!channel&gt;",
        "Due at 11:00 &lt;!channel&gt;",
    ]
    (alone,) = [item for item in items if item["channel"] == "@Maya Lindqvist"]
    assert alone["text"] == "Due at 11:00 &lt;!channel&gt;"
    assert isinstance(direct, Delivered)
    assert str(direct.external_id).startswith("D")
    assert send(gone, None, None) == Failed("nobody_in_slack_has_this_address")
    assert PLUGIN.notice is not None
    assert PLUGIN.notice(Notice("x"), None) is None, "without a card and a recipient there is no place for it"


def test_a_direct_message_whose_answer_was_lost_is_found(connect: Connect) -> None:
    slack = connect("slack")
    to = Recipient(name="Maya", email="maya.lindqvist@acme.test")
    content = Content(channel="", text="Due at 11:00", to=to).model_dump(mode="json")
    asked = call(Operation.CREATE, content, uuid4())
    assert slack.reconcile(asked) == Absent()
    posted = connect("slack").deliver(asked)

    assert isinstance(posted, Delivered)
    assert connect("slack").reconcile(asked) == Found(str(posted.external_id))


def test_what_is_for_somebody_slack_does_not_know_goes_where_it_would_without_them(connect: Connect) -> None:
    to = Recipient(name="Gone", email="gone@acme.test")
    content = Content(channel="", text="This customer was happier", to=to, otherwise="#customer-success")
    asked = call(Operation.CREATE, content.model_dump(mode="json"), uuid4())
    assert connect("slack").reconcile(asked) == Absent()
    posted = connect("slack").deliver(asked)
    assert isinstance(posted, Delivered)
    assert str(posted.external_id).startswith("C")
    assert connect("slack").reconcile(asked) == Found(str(posted.external_id))


def test_every_card_has_the_links_of_the_settings_whose_addresses_are_known(
    connect: Connect, world: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = [
        {"text": "Customer page", "url": "https://admin.test/{customer_id}"},
        {"text": "Salesforce", "url": "https://crm.test/{salesforce_id}"},
    ]
    monkeypatch.setenv("SLACK_LINKS", json.dumps(links))
    connect("slack").deliver(call(Operation.CREATE, card(), uuid4()))

    (message,) = world.get("/received/slack").json()["items"]
    opening = next(block for block in message["blocks"] if block.get("block_id") == "links")
    assert [(one["text"]["text"], one["url"]) for one in opening["elements"]] == [
        ("Account", "https://crm.test/accounts/a-1"),
        ("Customer page", "https://admin.test/c-1"),
    ]
