"""What Slack tells the app about what somebody did.

Payloads as on docs.slack.dev/reference/interaction-payloads.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from sandbox.slack_checks import SlackError
from sandbox.slack_ids import APP_ID, TEAM_ID
from sandbox.slack_views import View
from sandbox.slack_workspace import Channel, Message, Person


def _origin(person: Person, trigger_id: str) -> dict[str, Any]:
    name = person.email.partition("@")[0]
    return {
        "user": {"id": person.user_id, "username": name, "name": name, "team_id": TEAM_ID},
        "api_app_id": APP_ID,
        "token": "deprecated",  # Slack still sends the verification token that signatures replaced
        "trigger_id": trigger_id,
        "team": {"id": TEAM_ID, "domain": "sandbox"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def message_press(
    channel: Channel,
    message: Message,
    person: Person,
    action: dict[str, Any],
    *,
    trigger_id: str,
    response_url: str,
) -> dict[str, Any]:
    """Make a `block_actions` payload of a press in a message."""
    return {
        "type": "block_actions",
        **_origin(person, trigger_id),
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.channel_id,
            "is_ephemeral": message.only_for is not None,
        },
        "channel": {"id": channel.channel_id, "name": channel.name},
        "message": message.as_slack(with_metadata=True),
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [action],
    }


def view_press(view: View, person: Person, action: dict[str, Any], *, trigger_id: str) -> dict[str, Any]:
    """Make a `block_actions` payload of a press in a modal or a home tab."""
    return {
        "type": "block_actions",
        **_origin(person, trigger_id),
        "container": {"type": "view", "view_id": view.view_id},
        "view": view.as_slack(),
        "actions": [action],
    }


def submission(
    view: View, person: Person, values: Mapping[str, Mapping[str, Any]], *, trigger_id: str
) -> dict[str, Any]:
    """Make a `view_submission` payload of a filled-in modal."""
    return {
        "type": "view_submission",
        **_origin(person, trigger_id),
        "view": view.as_slack({block: dict(filled) for block, filled in values.items()}),
        "response_urls": [],
    }


def home_opened(person: Person, channel: Channel) -> dict[str, Any]:
    """Make the event that follows when somebody opens the app's home tab."""
    return {
        "token": "deprecated",
        "team_id": TEAM_ID,
        "api_app_id": APP_ID,
        "event": {
            "type": "app_home_opened",
            "user": person.user_id,
            "channel": channel.channel_id,
            "tab": "home",
            "event_ts": f"{time.time():.6f}",
        },
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(time.time()),
        "authorizations": [{"team_id": TEAM_ID, "user_id": person.user_id, "is_bot": True}],
    }


def action(block: dict[str, Any], element: dict[str, Any], value: str | None) -> dict[str, Any]:
    """Say what was pressed, or chosen in a menu."""
    origin = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": f"{time.time():.6f}",
    }
    if element["type"] == "button":
        return origin | {name: element[name] for name in ("text", "value", "style") if name in element}
    return origin | chosen(element, [value] if value else [])


def chosen(element: dict[str, Any], values: list[str]) -> dict[str, Any]:
    """What an element of a form holds when `values` were filled in or picked."""
    first = values[0] if values else None
    match element["type"]:
        case "plain_text_input":
            return {"value": first}
        case "users_select":
            return {"selected_user": first}
        case "datepicker":
            return {"selected_date": first}
        case "checkboxes" | "multi_static_select":
            return {"selected_options": [_option(element, value) for value in values]}
    return {"selected_option": _option(element, first) if first is not None else None}


def _option(element: dict[str, Any], value: str) -> dict[str, Any]:
    groups = element.get("option_groups") or [element]
    for option in (one for group in groups for one in group["options"]):
        if option["value"] == value:
            found: dict[str, Any] = option
            return found
    raise SlackError("option_not_found")
