"""Salesforce: a Case for an answer somebody has to follow up, closed with a note if the answer is withdrawn.

The Case carries the effect's id in a unique External ID field (`deploy/salesforce/`), so that writing it
twice makes one Case. Status and owner are sent when the Case is made and never again: people change them.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict
from simple_salesforce.api import Salesforce as Client
from simple_salesforce.api import SFType
from simple_salesforce.exceptions import (
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_external_id, format_soql

from runtime.settings import EnvironmentSettings
from services.router.case_text import description, subject
from services.router.deadline import within
from services.router.destination import (
    Absent,
    AfterAmbiguity,
    Call,
    Delivered,
    Found,
    Limits,
    Operation,
    Plugin,
    Result,
    Retry,
    Sighting,
    Traits,
)
from services.router.facts import Facts
from services.router.salesforce_errors import code_of, lost, pause_of, verdict
from services.router.salesforce_session import SalesforceSession, TooManyCallsError
from services.router.templates import Templates

if TYPE_CHECKING:
    import requests

EXTERNAL_ID = "Feedback_Effect_Id__c"

_EMAIL_CHARACTERS = _NAME_CHARACTERS = 80
T = TypeVar("T")


class Action(BaseModel):
    """A Salesforce action in rules.yaml: open a Case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    object: Literal["case"] = "case"
    priority: Literal["High", "Medium", "Low"] = "Medium"
    origin: str = Field(default="Web", min_length=1, max_length=255)
    """A value of the org's picklist Case Origin."""


class Content(BaseModel):
    """A Case, in our words."""

    model_config = ConfigDict(frozen=True)

    subject: str
    description: str
    priority: str
    origin: str
    name: str | None
    email: str | None
    account_id: str | None
    """The account's record id in Salesforce."""
    owner_email: str | None


class Settings(EnvironmentSettings):
    """How Salesforce is reached: an External Client App with the JWT bearer flow."""

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
    new_status: str = "New"
    """Status of a Case when it is made."""
    closed_status: str = "Closed"
    """Status of a Case whose answer was withdrawn."""
    calls_per_second: float = Field(10.0, gt=0)
    """Calls to Salesforce a second."""
    parallel_calls: int = Field(8, ge=1, le=25)
    """Calls to Salesforce in flight at once."""
    deadline_seconds: float = Field(20.0, ge=1, le=60)
    """Hard limit of one delivery to Salesforce."""


class Salesforce:
    """A connected org."""

    def __init__(self, settings: Settings, session: SalesforceSession) -> None:
        self.limits = Limits(
            calls_per_second=settings.calls_per_second,
            parallel_calls=settings.parallel_calls,
            deadline_seconds=settings.deadline_seconds,
        )
        self._session = session
        self._new_status = settings.new_status
        self._closed_status = settings.closed_status

    def deliver(self, call: Call) -> Result:
        """Make the Case, bring it up to date, or close it."""
        try:
            return within(
                call.deadline_seconds, lambda: self._with_login(lambda client: self._deliver(client, call))
            )
        except SalesforceError as error:
            if call.operation is Operation.RETRACT and isinstance(error, SalesforceResourceNotFound):
                return Delivered(call.external_id)
            return verdict(error)
        except TooManyCallsError as error:
            return Retry("http_429", error.retry_after_seconds)
        except OSError as error:
            return lost(error)

    def reconcile(self, call: Call) -> Sighting:
        """Look for the Case by the effect's id. The field is unique: there is never a second one."""
        try:
            return within(
                call.deadline_seconds,
                lambda: Found(self._with_login(lambda client: _case_id(client, call.effect_id))),
            )
        except SalesforceResourceNotFound:
            return Absent()
        except SalesforceError as error:
            return Retry(code_of(error), pause_of(code_of(error)))
        except TooManyCallsError as error:
            return Retry("http_429", error.retry_after_seconds)
        except OSError as error:
            return Retry(lost(error).cause)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _with_login(self, act: Callable[[Client], T]) -> T:
        client = self._session.client()
        try:
            return act(client)
        except SalesforceExpiredSession:
            self._session.forget(client)
            return act(self._session.client())

    def _deliver(self, client: Client, call: Call) -> Result:
        content = Content.model_validate(call.content)
        if call.operation is Operation.RETRACT:
            if call.external_id is not None:
                note = "Closed by Feedback Router: the answer this Case was about has been withdrawn."
                _cases(client).update(call.external_id, {"Status": self._closed_status, "Comments": note})
            return Delivered(call.external_id)
        if call.external_id is not None:
            _cases(client).update(call.external_id, _fields(content))
            return Delivered(call.external_id)
        return self._create(client, call.effect_id, content)

    def _create(self, client: Client, effect_id: UUID, content: Content) -> Result:
        fields = _fields(content) | {"Status": self._new_status, "Origin": content.origin}
        headers = {}
        if content.email and (contact := _only(client, "Contact", content.email)):
            fields["ContactId"] = contact
        if content.owner_email and (owner := _only(client, "User", content.owner_email)):
            fields["OwnerId"] = owner
            headers["Sforce-Auto-Assign"] = "FALSE"  # else assignment rules take the Case away from its owner
        try:
            answer: requests.Response = _cases(client).upsert(
                format_external_id(EXTERNAL_ID, str(effect_id)), fields, raw_response=True, headers=headers
            )
        except SalesforceError as error:
            if code_of(error) != "DUPLICATE_VALUE":
                raise
            return self._join(client, effect_id, content)
        if answer.status_code == HTTPStatus.NO_CONTENT:
            return Delivered(_case_id(client, effect_id))
        return Delivered(answer.json()["id"])

    def _join(self, client: Client, effect_id: UUID, content: Content) -> Result:
        """Another upsert of this effect was quicker; its Case is brought up to date once it can be seen."""
        try:
            case = _case_id(client, effect_id)
        except SalesforceResourceNotFound:
            return Retry("DUPLICATE_VALUE")
        _cases(client).update(case, _fields(content))
        return Delivered(case)


def _fields(content: Content) -> dict[str, str]:
    """What is ours to keep up to date."""
    fields = {
        "Subject": content.subject,
        "Description": content.description,
        "Priority": content.priority,
        "SuppliedName": content.name[:_NAME_CHARACTERS] if content.name else None,
        "SuppliedEmail": content.email if content.email and len(content.email) <= _EMAIL_CHARACTERS else None,
        "AccountId": content.account_id,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _cases(client: Client) -> SFType:
    return cast("SFType", client.Case)


def _case_id(client: Client, effect_id: UUID) -> str:
    return str(_cases(client).get_by_custom_id(EXTERNAL_ID, str(effect_id))["Id"])


def lookup(kind: Literal["Contact", "User"], email: str) -> str:
    """SOQL for the records of one e-mail address; two are enough to know that it is not unique."""
    if kind == "User":
        return format_soql("SELECT Id FROM User WHERE Email = {} AND IsActive = true LIMIT 2", email)
    return format_soql("SELECT Id FROM Contact WHERE Email = {} LIMIT 2", email)


def _only(client: Client, kind: Literal["Contact", "User"], email: str) -> str | None:
    """Id of the one record with this address; None where there is none or more than one."""
    records = client.query(lookup(kind, email))["records"]
    return str(records[0]["Id"]) if len(records) == 1 else None


def render(action: Action, facts: Facts, _templates: Templates) -> Content | None:
    """The Case of an answer; a survey request has none."""
    response, account = facts.response, facts.account
    if response is None:
        return None
    return Content(
        subject=subject(facts, response),
        description=description(facts, response),
        priority=action.priority,
        origin=action.origin,
        name=facts.profile.name,
        email=facts.profile.email,
        account_id=account.salesforce_id if account else None,
        owner_email=(account.csm_email or account.owner_email) if account else None,
    )


def connect(settings: Settings) -> Salesforce | str:
    """The org the integration user belongs to."""
    if settings.instance_url is None:
        return "SALESFORCE_INSTANCE_URL is not set"
    if settings.client_id is None:
        return "SALESFORCE_CLIENT_ID is not set"
    if settings.username is None:
        return "SALESFORCE_USERNAME is not set"
    if settings.private_key is None:
        return "SALESFORCE_PRIVATE_KEY is not set"
    session = SalesforceSession(
        instance_url=str(settings.instance_url),
        login_url=str(settings.login_url),
        client_id=settings.client_id,
        username=settings.username,
        private_key=settings.private_key.get_secret_value().replace("\\n", "\n"),
        connections=settings.parallel_calls,
    )
    return Salesforce(settings, session)


PLUGIN = Plugin(
    name="salesforce",
    traits=Traits(after_ambiguity=AfterAmbiguity.RECONCILE, updates=True, settle_seconds=10),
    settings=Settings,
    action=Action,
    content=Content,
    render=render,
    connect=connect,
    # Cases of one account written side by side wait for the account's row lock and fail after 10 s.
    order_key=lambda content, facts: content.account_id or facts.profile.key,
    rate_key=lambda _content: "",
    audience=lambda content: ("salesforce", *((content.email,) if content.email else ())),
)
