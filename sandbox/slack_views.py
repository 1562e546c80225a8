"""Views of the Slack double: modals on a stack for each person, and each person's home tab of the app.

After docs.slack.dev/surfaces/modals: a trigger opens one view within 3 s, at most three lie on each other.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from sandbox.slack_checks import SlackError, check_view
from sandbox.slack_ids import APP_ID, BOT_ID, TEAM_ID, with_ids

TRIGGER_SECONDS = 3.0
_DEEPEST_STACK = 3
_TRIGGERS_KEPT = 1000


@dataclass(slots=True)
class View:
    """A view as somebody sees it now. `errors` are what the app last had to say of its fields, by block."""

    view_id: str
    user_id: str
    content: dict[str, Any]
    root_view_id: str
    previous_view_id: str | None = None
    version: int = 1
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Changes with every update, so that an update of an older state can be refused."""
        digest = hashlib.sha256(to_json(self.content)).hexdigest()[:8]
        return f"{self.version}.{digest}"

    def as_slack(self, values: dict[str, Any] | None = None) -> dict[str, Any]:
        """The view object of Slack's API, with what was filled in."""
        empty = {
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "title": None,
            "submit": None,
            "close": None,
            "clear_on_close": False,
            "notify_on_close": False,
        }
        return {
            **empty,
            **self.content,
            "id": self.view_id,
            "team_id": TEAM_ID,
            "app_id": APP_ID,
            "bot_id": BOT_ID,
            "hash": self.hash,
            "root_view_id": self.root_view_id,
            "previous_view_id": self.previous_view_id,
            "state": {"values": values or {}},
        }


@dataclass(slots=True)
class _Trigger:
    user_id: str
    expires: float
    is_used: bool = False


class Views:
    """Everyone's open modals and home tabs."""

    def __init__(self) -> None:
        self._triggers: OrderedDict[str, _Trigger] = OrderedDict()
        self._stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def trigger(self, user_id: str) -> str:
        """Make the id by which an app may open one view for somebody who has just acted."""
        trigger_id = f"{time.time_ns()}.{secrets.token_hex(8)}"
        self._triggers[trigger_id] = _Trigger(user_id, time.monotonic() + TRIGGER_SECONDS)
        while len(self._triggers) > _TRIGGERS_KEPT:
            self._triggers.popitem(last=False)
        return trigger_id

    def shown(self, user_id: str) -> View | None:
        """The modal on top of somebody's stack."""
        stack = self._stacks.get(user_id)
        return stack[-1] if stack else None

    def open(self, trigger_id: object, content: Any) -> View:  # noqa: ANN401 - JSON, checked here
        """Show a first modal; a stack that stood there is gone."""
        user_id = self._use(trigger_id)
        check_view(content, "modal")
        self._stacks[user_id] = []
        return self._put(user_id, content)

    def push(self, trigger_id: object, content: Any) -> View:  # noqa: ANN401 - JSON, checked here
        """Lay a modal on the one that is open."""
        user_id = self._use(trigger_id)
        check_view(content, "modal")
        return self.lay(user_id, content)

    def lay(self, user_id: str, content: Any) -> View:  # noqa: ANN401 - JSON, checked here
        """Lay a modal on somebody's stack."""
        check_view(content, "modal")
        if len(self._stacks.get(user_id, ())) >= _DEEPEST_STACK:
            raise SlackError("push_limit_reached")
        return self._put(user_id, content)

    def update(self, view_id: object, external_id: object, known_hash: object, content: Any) -> View:  # noqa: ANN401 - JSON, checked here
        """Put another content into an open modal."""
        view = self._find(view_id, external_id)
        if known_hash and known_hash != view.hash:
            raise SlackError("hash_conflict")
        self.change(view, content)
        return view

    def change(self, view: View, content: Any) -> None:  # noqa: ANN401 - JSON, checked here
        """Put another content into this modal."""
        check_view(content, "modal")
        view.content, view.errors, view.version = _named(content), {}, view.version + 1

    def publish(self, user_id: str, content: Any) -> View:  # noqa: ANN401 - JSON, checked here
        """Put the app's home tab up for somebody."""
        check_view(content, "home")
        known = self.homes.get(user_id)
        view_id = known.view_id if known else _view_id()
        version = known.version + 1 if known else 1
        view = View(view_id, user_id, _named(content), view_id, version=version)
        self.homes[user_id] = view
        return view

    def of(self, view_id: str) -> View:
        """Find a modal on top of a stack, or a home tab."""
        return self._find(view_id, None)

    def close(self, user_id: str) -> None:
        """Take the modal on top away."""
        stack = self._stacks.get(user_id)
        if stack:
            stack.pop()

    def clear(self, user_id: str) -> None:
        """Take all of somebody's modals away."""
        self._stacks.pop(user_id, None)

    def forget(self) -> None:
        """Take everything away from everybody."""
        self._stacks.clear()
        self.homes.clear()

    def _use(self, trigger_id: object) -> str:
        trigger = self._triggers.get(trigger_id) if isinstance(trigger_id, str) else None
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.is_used:
            raise SlackError("exchanged_trigger_id")
        if time.monotonic() > trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.is_used = True
        return trigger.user_id

    def _put(self, user_id: str, content: dict[str, Any]) -> View:
        stack = self._stacks.setdefault(user_id, [])
        view_id = _view_id()
        below = stack[-1] if stack else None
        view = View(
            view_id,
            user_id,
            _named(content),
            below.root_view_id if below else view_id,
            below.view_id if below else None,
        )
        stack.append(view)
        return view

    def _find(self, view_id: object, external_id: object) -> View:
        open_views = [view for stack in self._stacks.values() for view in stack]
        for view in (*open_views, *self.homes.values()):
            if view_id == view.view_id or (external_id and external_id == view.content.get("external_id")):
                return view
        raise SlackError("not_found")


def _view_id() -> str:
    return f"V{secrets.token_hex(5).upper()}"


def _named(content: dict[str, Any]) -> dict[str, Any]:
    return {**content, "blocks": with_ids(content["blocks"])}
