"""The workspace: its people by e-mail address, its own address, and clients that call it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

import psycopg
import structlog
from pydantic import SecretStr
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from runtime.kept_alive import kept_alive
from services.router.slack.errors import cause_of, code_of
from services.router.slack.web_client import KeptAliveClient

REMEMBERED_SECONDS = 3600.0
MISSED_SECONDS = 300.0
"""Somebody who is not found is looked for again after that: they may have been invited meanwhile."""
_NOBODY = frozenset({"users_not_found", "user_not_found", "users_not_visible", "user_not_visible"})

Connect = Callable[[], WebClient]
"""Makes a client whose time-out suits the caller."""

log = structlog.get_logger(__name__)


@contextmanager
def tolerated(what: str) -> Iterator[None]:
    """A call whose failure is logged and costs nothing but `what`."""
    try:
        yield
    except SlackApiError as error:
        log.warning("slack refused", what=what, error=cause_of(error.response))
    except (OSError, psycopg.OperationalError) as error:
        log.warning("slack not reached", what=what, error=type(error).__name__)


class Directory:
    """Looks people up, and remembers them. What cannot be asked is not known: no call fails for it."""

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
        except OSError:
            return found
        until = time.monotonic() + (MISSED_SECONDS if found is None else REMEMBERED_SECONDS)
        with self._lock:
            self._known[key] = found, until
        return found


class Workspace:
    """The workspace a bot token belongs to."""

    def __init__(self, token: SecretStr, base_url: str, *, connections: int) -> None:
        self.directory = Directory()
        self._http = kept_alive(base_url, connections=connections)
        self.base_url = base_url
        self._token = token
        self._url: str | None = None

    def client(self, timeout_seconds: float) -> WebClient:
        """A client whose every call ends within the time."""
        return KeptAliveClient(
            token=self._token.get_secret_value(),
            base_url=self.base_url,
            timeout_seconds=timeout_seconds,
            http=self._http,
        )

    def url(self, timeout_seconds: float) -> str:
        """The workspace's address, asked once."""
        if self._url is None:
            self._url = str(self.client(timeout_seconds).auth_test()["url"])
        return self._url

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
