from typing import Any

import pytest

from sandbox.slack_checks import SlackError, check_blocks, check_metadata, check_text

Json = dict[str, Any]


def plain(text: str = "x") -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> Json:
    return {"type": "mrkdwn", "text": text}


def section(**parts: object) -> Json:
    return {"type": "section", "text": mrkdwn(), **parts}


def button(**parts: object) -> Json:
    return {"type": "button", "text": plain(), "action_id": "a", **parts}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def option(value: str = "v") -> Json:
    return {"text": plain(), "value": value}


ALL = [
    {"type": "header", "text": plain("h" * 150)},
    section(text=mrkdwn("x" * 3000), accessory={"type": "overflow", "action_id": "o", "options": [option()]}),
    section(fields=[mrkdwn("f")] * 10),
    {"type": "divider"},
    {"type": "context", "elements": [mrkdwn(), plain()]},
    actions(
        *(button(action_id=f"a{number}", value="v" * 90) for number in range(23)),
        {"type": "static_select", "action_id": "s", "placeholder": plain(), "options": [option()]},
        {"type": "users_select", "action_id": "u"},
    ),
    {
        "type": "rich_text",
        "elements": [{"type": "rich_text_quote", "elements": [{"type": "text", "text": "said"}]}],
    },
    {"type": "image", "image_url": "https://acme.test/x.png", "alt_text": "x"},
]


def test_every_kind_of_block_at_its_limit_is_taken() -> None:
    check_blocks(ALL)
    check_blocks([{"type": "divider"}] * 50)
    check_blocks([])


REFUSED = {
    "an unknown block": ([{"type": "hero"}], "/blocks/0"),
    "51 blocks": ([{"type": "divider"}] * 51, "/blocks"),
    "a section of 3,001 characters": ([section(text=mrkdwn("x" * 3001))], "/blocks/0/text/text"),
    "an empty section text": ([section(text=mrkdwn(""))], "/blocks/0/text/text"),
    "a section with neither text nor fields": ([{"type": "section"}], "/blocks/0"),
    "eleven fields": ([section(fields=[mrkdwn()] * 11)], "/blocks/0/fields"),
    "a field of 2,001 characters": ([section(fields=[mrkdwn("x" * 2001)])], "/blocks/0/fields/0"),
    "a header of 151 characters": ([{"type": "header", "text": plain("h" * 151)}], "/blocks/0/text"),
    "a header in mrkdwn": ([{"type": "header", "text": mrkdwn()}], "/blocks/0/text/type"),
    "26 elements": (
        [actions(*(button(action_id=f"a{number}") for number in range(26)))],
        "/blocks/0/elements",
    ),
    "no element": ([actions()], "/blocks/0/elements"),
    "a button text of 76 characters": ([actions(button(text=plain("x" * 76)))], "/blocks/0/elements/0/text"),
    "a button value of 2,001 characters": ([actions(button(value="x" * 2001))], "/blocks/0/elements/0/value"),
    "an action id of 256 characters": (
        [actions(button(action_id="x" * 256))],
        "/blocks/0/elements/0/action_id",
    ),
    "a style of one's own": ([actions(button(style="green"))], "/blocks/0/elements/0/style"),
    "a misspelt property": ([actions(button(colour="x"))], "/blocks/0/elements/0/colour"),
    "two equal action ids in a block": ([actions(button(), button())], "/blocks/0/elements"),
    "two equal block ids": ([section(block_id="b"), section(block_id="b")], "/blocks/1/block_id"),
    "a select without options": (
        [actions({"type": "static_select", "action_id": "s", "options": []})],
        "/blocks/0/elements/0/options",
    ),
    "text that is a number": ([section(text={"type": "mrkdwn", "text": 3})], "/blocks/0/text/text"),
}


@pytest.mark.parametrize(("blocks", "pointer"), REFUSED.values(), ids=REFUSED)
def test_what_slack_would_not_draw_is_refused_where_it_stands(blocks: list[Json], pointer: str) -> None:
    with pytest.raises(SlackError) as caught:
        check_blocks(blocks)
    assert caught.value.error == "invalid_blocks"
    assert any(message.endswith(f"[json-pointer:{pointer}]") for message in caught.value.messages)


def test_blocks_too_long_together() -> None:
    check_blocks([section(text=mrkdwn("x" * 2900))] * 4)
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        check_blocks([section(text=mrkdwn("x" * 2900))] * 5)


def test_blocks_that_are_no_list() -> None:
    with pytest.raises(SlackError, match="invalid_blocks_format"):
        check_blocks("[]")


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"event_type": "x"}, "invalid_metadata_format"),
        ({"event_type": "", "event_payload": {}}, "invalid_metadata_format"),
        ({"event_type": "x", "event_payload": "y"}, "invalid_metadata_format"),
        ({"event_type": "x", "event_payload": {}, "more": 1}, "invalid_metadata_format"),
        ("text", "invalid_metadata_format"),
        ({"event_type": "x", "event_payload": {"y": "z" * 20_000}}, "metadata_too_large"),
    ],
)
def test_metadata_of_a_wrong_shape(metadata: object, error: str) -> None:
    with pytest.raises(SlackError, match=error):
        check_metadata(metadata)


def test_text() -> None:
    check_text(None)
    check_text("x" * 40_000)
    with pytest.raises(SlackError, match="msg_too_long"):
        check_text("x" * 40_001)
    with pytest.raises(SlackError, match="invalid_arguments"):
        check_text(3)
