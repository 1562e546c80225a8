"""The Slack app's manifests ask for what the code uses: no scope more, none less, and the right addresses."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.router.slack import http
from services.router.slack.desk import Handled

FOLDER = Path(__file__).parents[3] / "deploy" / "slack"
CODE = [
    *Path("services/router/slack").glob("*.py"),
    Path("services/router/destinations/slack.py"),
]
SCOPES = {
    "auth_test": set[str](),
    "chat_delete": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_list": {"channels:read", "groups:read"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "users_info": {"users:read", "users:read.email"},
    "users_lookupByEmail": {"users:read.email"},
    "views_open": set[str](),
    "views_publish": set[str](),
}
"""Scopes of each method, as on docs.slack.dev/reference/methods; views are the app's own."""


def manifest(mode: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((FOLDER / f"manifest.{mode}.yaml").read_text())
    return read


def used() -> set[str]:
    """Every Web API method that the code names."""
    families = "auth|chat|conversations|users|views"
    source = "\n".join(path.read_text() for path in CODE)
    return set(re.findall(rf"\.((?:{families})_[a-zA-Z]+)\b", source))


@pytest.mark.parametrize("mode", ["http", "socket"])
def test_the_scopes_are_those_of_the_methods_in_use(mode: str) -> None:
    assert used() == SCOPES.keys(), "a method came or went: note its scopes here and in the manifests"

    needed = set[str]().union(*(SCOPES[method] for method in used()))

    assert set(manifest(mode)["oauth_config"]["scopes"]["bot"]) == needed


def test_over_http_slack_calls_the_routes_there_are() -> None:
    settings = manifest("http")["settings"]

    paths = {str(getattr(route, "path", "")) for route in http.routes(lambda _: Handled(), None).routes}

    assert not settings["socket_mode_enabled"]
    for section in ("interactivity", "event_subscriptions"):
        host, found, path = settings[section]["request_url"].partition("/v1/")
        assert (host, found + path in paths) == ("https://feedback.example.com", True)


def test_in_socket_mode_no_address_is_needed() -> None:
    settings = manifest("socket")["settings"]

    assert settings["socket_mode_enabled"]
    assert "request_url" not in str(settings)


@pytest.mark.parametrize("mode", ["http", "socket"])
def test_buttons_events_and_the_home_tab_are_on(mode: str) -> None:
    app = manifest(mode)

    assert app["settings"]["interactivity"]["is_enabled"]
    assert app["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened"]
    assert app["features"]["app_home"]["home_tab_enabled"]
