"""The workspace's people: whose Slack user an e-mail address is, and the other way round; remembered."""

import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from threading import Lock

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from services.router.slack.errors import code_of

REMEMBERED_SECONDS = 3600.0
MISSED_SECONDS = 300.0
"""Somebody who is not found is looked for again after that: they may have been invited meanwhile."""
_NOBODY = frozenset({"users_not_found", "user_not_found", "users_not_visible", "user_not_visible"})

Connect = Callable[[], WebClient]
"""Makes a client whose time-out suits the caller."""


class Directory:
    """Looks people up. What cannot be asked is not known: no call of a person fails for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, tuple[str | None, float]] = {}

    def user_of(self, email: str, connect: Connect) -> str | None:
        """Id of the Slack user with this address."""
        return self._ask(email.lower(), lambda: str(connect().users_lookupByEmail(email=email)["user"]["id"]))

    def email_of(self, user: str, connect: Connect) -> str | None:
        """Address of a Slack user."""

        def ask() -> str | None:
            profile: Mapping[str, str] = connect().users_info(user=user)["user"]["profile"]
            return profile.get("email")

        return self._ask(user, ask)

    def _ask(self, key: str, ask: Callable[[], str | None]) -> str | None:
        with self._lock:
            found, until = self._known.get(key, (None, 0.0))
        if time.monotonic() < until:
            return found
        try:
            found = ask()
        except SlackApiError as error:
            if code_of(error.response) not in _NOBODY:
                return found
            found = None
        except (OSError, HTTPException):
            return found
        until = time.monotonic() + (MISSED_SECONDS if found is None else REMEMBERED_SECONDS)
        with self._lock:
            self._known[key] = found, until
        return found
