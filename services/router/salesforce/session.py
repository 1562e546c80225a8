"""Salesforce's REST API through simple_salesforce: one requests adapter, and the JWT bearer login.

simple_salesforce builds https addresses of salesforce.com itself and sets no time-outs; the adapter sends
each request to the configured address instead and bounds it by what is left of the delivery's deadline.
"""

from collections.abc import Mapping
from http import HTTPStatus
from threading import Lock
from urllib.parse import urlsplit, urlunsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.login import SalesforceLogin

from services.router.deadline import remaining
from services.router.salesforce.budget import Budget
from services.router.sdk_session import kept_alive

API_VERSION = "59.0"


class TooManyCallsError(Exception):
    """Salesforce asks to come back later; simple_salesforce's own exceptions do not say when."""

    def __init__(self, retry_after_seconds: float | None) -> None:
        super().__init__("Salesforce answered 429")
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
        self.budget = budget
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

    def client(self) -> Salesforce:
        """The logged-in client; logs in when there is none.

        Raises SalesforceAuthenticationFailed, or OSError when the login gets no answer.
        """
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

    def forget(self, client: Salesforce) -> None:
        """Log in anew at the next call, unless another thread has done so since `client` was handed out."""
        with self._lock:
            if self._client is client:
                self._client = None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
