"""The methods of Slack's Web API as the product uses them, with Slack's checks and errors.

Names, arguments and errors as on docs.slack.dev/reference/methods. A new method is a new entry of `METHODS`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.slack_checks import SlackError, check_blocks, check_metadata, check_text
from sandbox.slack_ids import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID
from sandbox.slack_workspace import Channel, Message, Person, Workspace

Arguments = Mapping[str, Any]
Answer = dict[str, Any]

_MAX_PAGE = 999
_SHOWN_BY_DEFAULT = 100


def _auth_test(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    return {
        "url": "https://sandbox.slack.test/",
        "team": "Sandbox",
        "user": "feedback-router",
        "team_id": TEAM_ID,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "is_enterprise_install": False,
    }


def _checked_content(
    arguments: Arguments,
) -> tuple[str | None, list[dict[str, Any]] | None, dict[str, Any] | None]:
    text, blocks, metadata = (arguments.get(name) for name in ("text", "blocks", "metadata"))
    check_text(text)
    if blocks is not None:
        check_blocks(blocks)
    if metadata:
        check_metadata(metadata)
    if not text and not blocks:
        raise SlackError("no_text")
    return text, blocks, metadata


def _with_warning(answer: Answer, *, text: str | None) -> Answer:
    if not text:
        warning = "missing_text_in_message"
        answer |= {"warning": warning, "response_metadata": {"warnings": [warning]}}
    return answer


def _post_message(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:
    channel = workspace.channel_to_post(arguments.get("channel"))
    text, blocks, metadata = _checked_content(arguments)
    thread_ts = arguments.get("thread_ts")
    if thread_ts is not None and thread_ts not in channel.messages:
        raise SlackError("cannot_reply_to_message")
    message = workspace.post(
        channel,
        text=text or "",
        blocks=blocks or [],
        metadata=metadata,
        thread_ts=thread_ts,
        hidden_seconds=hidden_seconds,
    )
    answer = {
        "channel": channel.channel_id,
        "ts": message.ts,
        "message": message.as_slack(with_metadata=True),
    }
    return _with_warning(answer, text=text)


def _update(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    channel = workspace.channel(arguments.get("channel"))
    message = workspace.message(channel, arguments.get("ts"))
    text, blocks, metadata = _checked_content(arguments)
    workspace.edit(message, text=text, blocks=blocks, metadata=metadata)
    edited = {"channel": channel.channel_id, "ts": message.ts, "text": message.text}
    return _with_warning(edited | {"message": message.as_slack(with_metadata=True)}, text=text)


def _delete(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    channel = workspace.channel(arguments.get("channel"))
    message = workspace.message(channel, arguments.get("ts"))
    workspace.delete(message)
    return {"channel": channel.channel_id, "ts": message.ts}


def _truth(value: object) -> bool:
    return value in (True, 1, "1", "true", "True")


def _page(found: list[Message], arguments: Arguments) -> tuple[list[Message], Answer]:
    """Cut one page out of `found`; the cursor is the `ts` of the last message shown."""
    try:
        limit = int(arguments.get("limit") or _SHOWN_BY_DEFAULT)
    except (TypeError, ValueError):
        raise SlackError("invalid_limit") from None
    if not 1 <= limit <= _MAX_PAGE:
        raise SlackError("invalid_limit")
    cursor = arguments.get("cursor")
    if cursor:
        after = next((place for place, message in enumerate(found) if message.ts == cursor), None)
        if after is None:
            raise SlackError("invalid_cursor")
        found = found[after + 1 :]
    page = found[:limit]
    more = len(found) > limit
    return page, {"has_more": more, "response_metadata": {"next_cursor": page[-1].ts if more else ""}}


def _within(message: Message, arguments: Arguments) -> bool:
    oldest, latest = float(arguments.get("oldest") or 0), float(arguments.get("latest") or "inf")
    at = float(message.ts)
    return oldest <= at <= latest if _truth(arguments.get("inclusive")) else oldest < at < latest


def _history(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    channel = workspace.channel(arguments.get("channel"))
    try:
        found = [message for message in workspace.history(channel) if _within(message, arguments)]
    except (TypeError, ValueError):
        raise SlackError("invalid_ts_oldest") from None
    page, more = _page(found, arguments)
    with_metadata = _truth(arguments.get("include_all_metadata"))
    return {"messages": [message.as_slack(with_metadata=with_metadata) for message in page], **more}


def _replies(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    channel = workspace.channel(arguments.get("channel"))
    ts = arguments.get("ts")
    if ts not in channel.messages:
        raise SlackError("thread_not_found")
    page, more = _page(list(workspace.thread(channel, ts)), arguments)
    with_metadata = _truth(arguments.get("include_all_metadata"))
    return {"messages": [message.as_slack(with_metadata=with_metadata) for message in page], **more}


def _as_channel(channel: Channel) -> Answer:
    return {
        "id": channel.channel_id,
        "name": channel.name,
        "is_channel": True,
        "is_private": False,
        "is_archived": False,
        "is_member": True,
    }


def _conversations(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    return {
        "channels": [
            _as_channel(channel) for channel in workspace.channels.values() if channel.with_user is None
        ],
        "response_metadata": {"next_cursor": ""},
    }


def _as_user(person: Person) -> Answer:
    profile = {"email": person.email, "real_name": person.name, "display_name": person.name}
    return {
        "id": person.user_id,
        "team_id": TEAM_ID,
        "name": person.email.partition("@")[0],
        "real_name": person.name,
        "deleted": False,
        "is_bot": False,
        "tz": "Europe/Berlin",
        "profile": profile,
    }


def _user_by_email(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    return {"user": _as_user(workspace.person_by_email(arguments.get("email")))}


def _user_by_id(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    return {"user": _as_user(_person(workspace, arguments.get("user")))}


def _person(workspace: Workspace, user_id: object) -> Person:
    person = workspace.people.get(user_id) if isinstance(user_id, str) else None
    if person is None:
        raise SlackError("user_not_found")
    return person


def _post_ephemeral(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:
    channel = workspace.channel_to_post(arguments.get("channel"))
    person = _person(workspace, arguments.get("user"))
    text, blocks, _ = _checked_content(arguments)
    message = workspace.post(
        channel,
        text=text or "",
        blocks=blocks or [],
        metadata=None,
        thread_ts=arguments.get("thread_ts"),
        only_for=person.user_id,
        hidden_seconds=hidden_seconds,
    )
    return _with_warning({"message_ts": message.ts}, text=text)


def _open_conversation(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    users = arguments.get("users")
    if not users:
        raise SlackError("users_list_not_supplied")
    return {"channel": {"id": workspace.direct(users).channel_id}}


def _open_view(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    view = workspace.views.open(arguments.get("trigger_id"), arguments.get("view"))
    return {"view": view.as_slack()}


def _push_view(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    view = workspace.views.push(arguments.get("trigger_id"), arguments.get("view"))
    return {"view": view.as_slack()}


def _update_view(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    names = ("view_id", "external_id", "hash", "view")
    return {"view": workspace.views.update(*(arguments.get(name) for name in names)).as_slack()}


def _publish_view(workspace: Workspace, arguments: Arguments, hidden_seconds: float) -> Answer:  # noqa: ARG001 - one signature for all methods
    person = _person(workspace, arguments.get("user_id"))
    return {"view": workspace.views.publish(person.user_id, arguments.get("view")).as_slack()}


METHODS: Mapping[str, Callable[[Workspace, Arguments, float], Answer]] = {
    "auth.test": _auth_test,
    "chat.postMessage": _post_message,
    "chat.update": _update,
    "chat.delete": _delete,
    "conversations.history": _history,
    "conversations.replies": _replies,
    "conversations.list": _conversations,
    "conversations.open": _open_conversation,
    "chat.postEphemeral": _post_ephemeral,
    "users.info": _user_by_id,
    "users.lookupByEmail": _user_by_email,
    "views.open": _open_view,
    "views.publish": _publish_view,
    "views.push": _push_view,
    "views.update": _update_view,
}
