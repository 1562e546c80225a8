"""What Slack says somebody did, as far as we act on it. Pure; the payload's origin was verified before.

https://docs.slack.dev/reference/interaction-payloads
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.router.slack.follow_up_part import MORE, Verb
from services.router.slack.modals import PREVIEW, filled_in

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button or a menu's entry. `trigger_id` opens a view for 3 s; `response_url` is None in a home tab."""

    verb: Verb
    subject: str
    user: str
    trigger_id: str
    response_url: str | None


@dataclass(frozen=True, slots=True)
class Submitted:
    """A form. `filled` is what its fields hold, by block."""

    verb: Verb
    subject: str
    user: str
    filled: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """What a field for one value holds."""
        value = self.filled.get(name)
        return value if isinstance(value, str) and value else None

    def values(self, name: str) -> tuple[str, ...] | None:
        """What a field for several values holds, None where the form had no such field."""
        value = self.filled.get(name)
        return value if isinstance(value, tuple) else None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A previewed reply is to be sent."""

    draft_id: UUID
    user: str


@dataclass(frozen=True, slots=True)
class HomeOpened:
    """Somebody looks at the app's home tab."""

    user: str


Request = Pressed | Submitted | Confirmed | HomeOpened


def interaction(payload: Payload) -> Request | None:
    """What a press or a submitted form asks for; None where nothing is to be done, such as for a link.

    Raises KeyError, ValueError, TypeError or AttributeError for a payload that Slack would not send.
    """
    user = str(payload["user"]["id"])
    if payload["type"] == "view_submission":
        view = payload["view"]
        if view["callback_id"] == PREVIEW:
            return Confirmed(UUID(view["private_metadata"]), user)
        verb = Verb(view["callback_id"])
        return Submitted(verb, str(view["private_metadata"]), user, filled_in(view["state"]))
    if payload["type"] != "block_actions":
        return None
    action = payload["actions"][0]
    name, value = str(action["action_id"]), str(action.get("value", ""))
    if name == MORE:
        name, _, value = str(action["selected_option"]["value"]).partition(" ")
    if name not in set(Verb):
        return None
    return Pressed(Verb(name), value, user, str(payload["trigger_id"]), payload.get("response_url"))


def event(payload: Payload) -> Request | None:
    """What an event asks for. Raises like `interaction`."""
    told = payload["event"]
    if told["type"] == "app_home_opened" and told.get("tab") == "home":
        return HomeOpened(str(told["user"]))
    return None
