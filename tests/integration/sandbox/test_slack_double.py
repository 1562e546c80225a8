"""The Slack double under the real slack_sdk client."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.client import RunningSandbox

CARD: list[dict[str, Any]] = [
    {"type": "header", "text": {"type": "plain_text", "text": "Detractor: 3 of 10"}},
    {"type": "section", "text": {"type": "mrkdwn", "text": "> Too slow since *May*"}},
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "claim",
                "text": {"type": "plain_text", "text": "Claim"},
                "value": "e1",
            }
        ],
    },
]
METADATA = {"event_type": "feedback_effect", "event_payload": {"effect_id": "e1"}}


def client_of(sandbox: RunningSandbox, *, token: str | None = None, timeout: int = 10) -> WebClient:
    return WebClient(
        token=token if token is not None else sandbox.credentials.slack_bot_token,
        base_url=f"{sandbox.url}/slack/api/",
        retry_handlers=[],
        timeout=timeout,
    )


@pytest.fixture
def slack(sandbox: RunningSandbox, world: httpx2.Client) -> WebClient:
    del world  # only cleared
    return client_of(sandbox)


def refusal(call: Callable[[], object]) -> Mapping[str, Any]:
    with pytest.raises(SlackApiError) as caught:
        call()
    data: Mapping[str, Any] = caught.value.response.data
    return data


def test_a_card_is_posted_found_by_metadata_edited_and_deleted(
    slack: WebClient, world: httpx2.Client
) -> None:
    posted = slack.chat_postMessage(
        channel="#customer-success", text="3 of 10", blocks=CARD, metadata=METADATA
    )
    channel, ts = posted["channel"], posted["ts"]

    plain = slack.conversations_history(channel=channel)["messages"]
    found = slack.conversations_history(channel=channel, include_all_metadata=True)["messages"]
    assert [message["ts"] for message in found] == [ts]
    assert found[0]["metadata"] == METADATA
    assert "metadata" not in plain[0]
    assert found[0]["blocks"][2]["elements"][0]["value"] == "e1"

    slack.chat_update(channel=channel, ts=ts, text="Claimed by Maya")
    edited = world.get("/received/slack").json()["items"][0]
    assert edited["text"] == "Claimed by Maya"
    assert edited["blocks"] == []
    assert edited["metadata"] == METADATA
    assert edited["edits"] == 1

    slack.chat_delete(channel=channel, ts=ts)
    assert slack.conversations_history(channel=channel)["messages"] == []
    assert (
        refusal(lambda: slack.chat_update(channel=channel, ts=ts, text="x"))["error"] == "message_not_found"
    )
    assert world.get("/received/slack").json()["counts"]["customer-success"] == 0


def test_history_pages_newest_first_and_leaves_thread_replies_out(slack: WebClient) -> None:
    stamps = [slack.chat_postMessage(channel="sales", text=f"n{number}")["ts"] for number in range(5)]
    channel = slack.chat_postMessage(channel="sales", text="reply", thread_ts=stamps[0])["channel"]

    first = slack.conversations_history(channel=channel, limit=3)
    assert [message["text"] for message in first["messages"]] == ["n4", "n3", "n2"]
    assert first["has_more"]
    cursor = first["response_metadata"]["next_cursor"]
    second = slack.conversations_history(channel=channel, limit=3, cursor=cursor)
    assert [message["text"] for message in second["messages"]] == ["n1", "n0"]
    assert not second["has_more"]
    later = slack.conversations_history(channel=channel, oldest=stamps[2])["messages"]
    assert [message["text"] for message in later] == ["n4", "n3"]
    thread = slack.conversations_replies(channel=channel, ts=stamps[0])["messages"]
    assert [message["text"] for message in thread] == ["n0", "reply"]


def test_the_token_is_checked(sandbox: RunningSandbox, slack: WebClient) -> None:
    assert slack.auth_test()["team"] == "Sandbox"
    nobody, stranger = client_of(sandbox, token=""), client_of(sandbox, token="xoxb-wrong")  # noqa: S106 - wrong on purpose
    assert refusal(nobody.auth_test)["error"] == "not_authed"
    assert refusal(stranger.auth_test)["error"] == "invalid_auth"


def test_channels_and_people_are_looked_up(slack: WebClient) -> None:
    names = {channel["name"] for channel in slack.conversations_list()["channels"]}
    assert "customer-success" in names
    found = slack.users_lookupByEmail(email="Maya.Lindqvist@acme.test")["user"]
    assert found["real_name"] == "Maya Lindqvist"
    error = refusal(lambda: slack.users_lookupByEmail(email="nobody@acme.test"))["error"]
    assert error == "users_not_found"


def test_only_posting_takes_a_channels_name(slack: WebClient) -> None:
    error = refusal(lambda: slack.conversations_history(channel="customer-success"))["error"]
    assert error == "channel_not_found"
    unknown = refusal(lambda: slack.chat_postMessage(channel="#nowhere", text="x"))["error"]
    assert unknown == "channel_not_found"


def test_a_faulty_card_is_refused_where_it_is_faulty(slack: WebClient, world: httpx2.Client) -> None:
    long = [CARD[0], {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
    answer = refusal(lambda: slack.chat_postMessage(channel="sales", text="x", blocks=long))
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"][0].endswith("[json-pointer:/blocks/1/text/text]")
    assert world.get("/received").json()["slack"]["sales"] == 0


def test_text_beside_blocks_is_missed_and_without_either_refused(slack: WebClient) -> None:
    with pytest.warns(UserWarning, match="text"):
        posted = slack.chat_postMessage(channel="sales", blocks=CARD)
    assert posted["warning"] == "missing_text_in_message"
    with pytest.warns(UserWarning, match="text"):
        answer = refusal(lambda: slack.chat_postMessage(channel="sales", text=""))
    assert answer["error"] == "no_text"


def test_one_message_a_second_and_channel(slack: WebClient, world: httpx2.Client) -> None:
    world.put("/limits", json={"factor": 1})

    def storm() -> None:
        for number in range(10):
            slack.chat_postMessage(channel="kudos", text=f"n{number}")

    with pytest.raises(SlackApiError) as caught:
        storm()
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    slack.chat_postMessage(channel="finance", text="another channel has its own limit")
    assert 1 <= world.get("/received").json()["slack"]["kudos"] <= 4


def test_an_answer_dropped_after_the_post_leaves_the_message(slack: WebClient, world: httpx2.Client) -> None:
    world.post("/faults", json={"double": "slack", "kind": "drop_answer", "count": 1}).raise_for_status()
    with pytest.raises(OSError):  # noqa: PT011 - the reset shows as one of several subclasses
        slack.chat_postMessage(channel="sales", text="posted all the same", metadata=METADATA)
    assert world.get("/received/slack").json()["items"][0]["metadata"] == METADATA
    slack.chat_postMessage(channel="sales", text="the fault is spent")


def test_a_late_post_is_hidden_from_history_for_a_while(
    sandbox: RunningSandbox, slack: WebClient, world: httpx2.Client
) -> None:
    order = {"double": "slack", "kind": "late", "count": 1, "seconds": 1.5, "hidden_seconds": 1.5}
    world.post("/faults", json=order | {"operations": ["chat.postMessage"]}).raise_for_status()
    channel = slack.chat_postMessage(channel="support", text="hidden as well")["channel"]
    world.post("/faults", json=order | {"operations": ["chat.postMessage"]}).raise_for_status()
    with pytest.raises(TimeoutError):
        client_of(sandbox, timeout=1).chat_postMessage(channel="sales", text="late")
    assert world.get("/received/slack", params={"channel": "sales"}).json()["total"] == 0

    deadline = time.monotonic() + 10
    while not world.get("/received/slack", params={"channel": "sales"}).json()["total"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    item = world.get("/received/slack", params={"channel": "sales"}).json()["items"][0]
    assert slack.conversations_history(channel=item["channel_id"])["messages"] == []
    while not slack.conversations_history(channel=item["channel_id"])["messages"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert slack.conversations_history(channel=channel)["messages"][0]["text"] == "hidden as well"


@pytest.mark.parametrize(
    ("order", "status", "header"),
    [
        ({"kind": "rate_limited", "seconds": 7}, 429, "7"),
        ({"kind": "server_error", "status": 502}, 502, None),
    ],
)
def test_ordered_refusals_apply_nothing(
    slack: WebClient, world: httpx2.Client, order: dict[str, Any], status: int, header: str | None
) -> None:
    world.post("/faults", json={"double": "slack", "count": 1, **order}).raise_for_status()
    with pytest.raises(SlackApiError) as caught:
        slack.chat_postMessage(channel="sales", text="x")
    assert caught.value.response.status_code == status
    assert caught.value.response.headers.get("Retry-After") == header
    assert world.get("/received/slack").json()["total"] == 0
    calls = world.get("/received").json()["calls"]["slack"]["chat.postMessage"]
    assert calls == {f"fault:{order['kind']}": 1}


def test_a_direct_message_goes_to_one_person_and_an_ephemeral_one_is_seen_by_one(
    slack: WebClient, world: httpx2.Client
) -> None:
    maya = slack.users_lookupByEmail(email="maya.lindqvist@acme.test")["user"]["id"]
    channel = slack.conversations_open(users=[maya])["channel"]["id"]
    slack.chat_postMessage(channel=channel, text="Due in an hour")
    slack.chat_postEphemeral(channel="sales", user=maya, text="Jonas has it already")

    items = {item["channel"]: item for item in world.get("/received/slack").json()["items"]}
    assert items["@Maya Lindqvist"]["text"] == "Due in an hour"
    assert items["sales"]["only_for"] == maya
    assert "@Maya Lindqvist" not in {one["name"] for one in slack.conversations_list()["channels"]}
    assert slack.users_info(user=maya)["user"]["profile"]["email"] == "maya.lindqvist@acme.test"
    assert refusal(lambda: slack.users_info(user="U0"))["error"] == "user_not_found"
