"""Salesforce's REST API through simple_salesforce: one requests adapter, and the JWT bearer login.

simple_salesforce builds https addresses of salesforce.com itself and sets no time-outs; the adapter sends
each request to the configured address instead and bounds it by what is left of the call's deadline.
"""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceError,
    SalesforceExpiredSession,
)
from simple_salesforce.login import SalesforceLogin

from runtime.deadline import remaining, within
from runtime.kept_alive import cause_of, kept_alive
from runtime.salesforce_budget import Budget
from runtime.settings import EnvironmentSettings

API_VERSION = "59.0"
QUOTA_PAUSE_SECONDS = 900.0
"""The daily allowance is spent (403); it refills little by little over 24 hours."""
RESERVED = "daily_calls_reserved"
"""Cause of a call that was not made because of the budget."""

LOGIN_ERRORS = frozenset(
    {
        "invalid_grant",
        "invalid_client",
        "invalid_client_id",
        "inactive_user",
        "inactive_org",
        "rate_limit_exceeded",
    }
)
"""Refusals of a login that are passed on: wrong key, revoked app, a user not pre-authorised."""

T = TypeVar("T")
Row = Mapping[str, Any]
Page = Mapping[str, Any]
"""What a query answers: `records`, `done`, `nextRecordsUrl`."""


class SalesforceSettings(EnvironmentSettings):
    """How an org is reached: an External Client App with the JWT bearer flow."""

    model_config = SettingsConfigDict(env_prefix="SALESFORCE_")

    instance_url: HttpUrl | None = None
    """The org's address, https://<domain>.my.salesforce.com; unset: Salesforce is off."""
    login_url: HttpUrl = HttpUrl("https://login.salesforce.com")
    """Where tokens are had; https://test.salesforce.com for a Salesforce sandbox."""
    client_id: str | None = None
    """Consumer key of the External Client App."""
    username: str | None = None
    """The integration user, pre-authorised by a permission set."""
    private_key: SecretStr | None = None
    """PEM private key that belongs to the app's certificate."""

    def open(self, *, connections: int, reserve_share: float) -> "SalesforceSession | str":
        """A session that logs in when it is first used, or which setting is missing.

        `connections`: of threads that use it at once. `reserve_share`: of the daily calls, 0-1.
        """
        if self.instance_url is None:
            return "SALESFORCE_INSTANCE_URL is not set"
        if self.client_id is None:
            return "SALESFORCE_CLIENT_ID is not set"
        if self.username is None:
            return "SALESFORCE_USERNAME is not set"
        if self.private_key is None:
            return "SALESFORCE_PRIVATE_KEY is not set"
        return SalesforceSession(
            instance_url=str(self.instance_url),
            login_url=str(self.login_url),
            client_id=self.client_id,
            username=self.username,
            private_key=self.private_key.get_secret_value().replace("\\n", "\n"),
            connections=connections,
            budget=Budget(reserve_share),
        )


class TooManyCallsError(Exception):
    """Salesforce asks to come back later; simple_salesforce's own exceptions do not say when."""

    def __init__(self, retry_after_seconds: float | None) -> None:
        super().__init__("Salesforce answered 429")
        self.retry_after_seconds = retry_after_seconds


class CallsReservedError(Exception):
    """What is left of the org's daily calls is for others; nothing was sent."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(RESERVED)
        self.wait_seconds = wait_seconds


class UnansweredError(Exception):
    """A question has no answer now, because of `cause`; it may be asked again, after so many seconds."""

    def __init__(self, cause: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.retry_after_seconds = retry_after_seconds


class _Adapter(HTTPAdapter):
    """Sends to `base_url` whatever host a request names, within the deadline."""

    def __init__(self, base_url: str, connections: int, budget: Budget) -> None:
        super().__init__(pool_maxsize=connections)
        self._budget = budget
        self._base = urlsplit(base_url)

    def send(  # type: ignore[override]  # Session.send passes everything by name
        self, request: PreparedRequest, *, timeout: object = None, **options: object
    ) -> Response:
        del timeout  # Session's own default: none at all
        asked = urlsplit(str(request.url))
        path = self._base.path.rstrip("/") + asked.path
        request.url = urlunsplit((self._base.scheme, self._base.netloc, path, asked.query, ""))
        response = super().send(request, timeout=remaining(), **options)  # type: ignore[arg-type]  # passed on as it came
        self._note_usage(response.headers)
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            response.close()
            wait = response.headers.get("Retry-After", "")
            raise TooManyCallsError(float(wait) if wait.isdecimal() else None)
        return response

    def _note_usage(self, headers: Mapping[str, str]) -> None:
        # SFType.upsert and Salesforce.query keep this to themselves, so it is read where every answer passes.
        usage = Salesforce.parse_api_usage(headers.get("Sforce-Limit-Info", "")).get("api-usage")
        if usage is not None:
            self._budget.note(usage.used, usage.total)


class SalesforceSession:
    """A login that lasts until Salesforce ends it. Safe to use from several threads."""

    def __init__(
        self,
        *,
        instance_url: str,
        login_url: str,
        client_id: str,
        username: str,
        private_key: str,
        connections: int,
        budget: Budget,
    ) -> None:
        self._budget = budget
        self._http = kept_alive(instance_url, connections=connections)
        self._http.mount("https://", _Adapter(instance_url, connections, budget))
        self._domain = "test" if urlsplit(login_url).hostname == "test.salesforce.com" else "login"
        self._http.mount(f"https://{self._domain}.salesforce.com/", _Adapter(login_url, connections, budget))
        self._instance = urlsplit(instance_url).netloc
        self._client_id = client_id
        self._username = username
        self._private_key = private_key
        self._lock = Lock()
        self._client: Salesforce | None = None

    def call(self, seconds: float, act: Callable[[Salesforce], T]) -> T:
        """What `act` gives within so many seconds; it acts again after a new login where the old one ended.

        Raises CallsReservedError before anything is sent, then SalesforceError, TooManyCallsError or OSError.
        """
        wait_seconds = self._budget.wait_seconds()
        if wait_seconds:
            raise CallsReservedError(wait_seconds)
        return within(seconds, lambda: self._with_login(act))

    def answer(self, seconds: float, act: Callable[[Salesforce], T]) -> T:
        """As `call`, for what only reads: whatever hinders it raises UnansweredError."""
        try:
            return self.call(seconds, act)
        except CallsReservedError as error:
            raise UnansweredError(RESERVED, error.wait_seconds) from None
        except SalesforceError as error:
            raise UnansweredError(code_of(error), pause_of(code_of(error))) from None
        except TooManyCallsError as error:
            raise UnansweredError("http_429", error.retry_after_seconds) from None
        except OSError as error:
            raise UnansweredError(cause_of(error)) from None

    def pages(self, soql: str, *, rows: int, seconds: float) -> Iterator[list[Row]]:
        """What a query finds, in the recycle bin too, so many rows a page (200 to 2,000), one call a page.

        Raises UnansweredError. The pages are of the moment of the first call, and are there for two days.
        """
        # REST API Developer Guide, "Query Options Header".
        size = {"Sforce-Query-Options": f"batchSize={rows}"}

        def following(url: str) -> Callable[[Salesforce], Page]:
            return lambda client: client.query_more(url, identifier_is_url=True, headers=size)

        page: Page = self.answer(
            seconds, lambda client: client.query(soql, include_deleted=True, headers=size)
        )
        yield page["records"]
        while not page["done"]:
            page = self.answer(seconds, following(page["nextRecordsUrl"]))
            yield page["records"]

    def _with_login(self, act: Callable[[Salesforce], T]) -> T:
        client = self._client_now()
        try:
            return act(client)
        except SalesforceExpiredSession:
            self._forget(client)
            return act(self._client_now())

    def _client_now(self) -> Salesforce:
        with self._lock:
            if self._client is None:
                # Given a token, it does not renew it by itself, which would drop the request's headers.
                token, _instance = SalesforceLogin(
                    session=self._http,
                    domain=self._domain,
                    username=self._username,
                    consumer_key=self._client_id,
                    privatekey=self._private_key,
                )
                self._client = Salesforce(
                    instance=self._instance, session_id=token, session=self._http, version=API_VERSION
                )
            return self._client

    def _forget(self, client: Salesforce) -> None:
        # Unless another thread has logged in anew since `client` was handed out.
        with self._lock:
            if self._client is client:
                self._client = None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def code_of(error: SalesforceError) -> str:
    """Salesforce's own code; the status where there is none. Never its message, which repeats values."""
    if isinstance(error, SalesforceAuthenticationFailed):
        code = str(error.code)
        return code if code in LOGIN_ERRORS else "login_refused"
    content: object = error.content  # declared bytes, in fact the decoded JSON
    match content:
        case [{"errorCode": str(code)}, *_] if code.replace("_", "").isalnum():
            return code
        case _:
            return f"http_{error.status}"


def pause_of(code: str) -> float | None:
    """Seconds to wait before the next call at all."""
    return QUOTA_PAUSE_SECONDS if code == "REQUEST_LIMIT_EXCEEDED" else None
