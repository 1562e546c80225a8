"""Salesforce: Cases, Tasks, answers as records, campaign members, for what an answer asks of account teams.

What there is of it in the org, field by field, stands in `deploy/salesforce/`; each kind of record has a
module in `services/router/salesforce/`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict
from simple_salesforce.api import Salesforce as Client
from simple_salesforce.exceptions import (
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceResourceNotFound,
)

from runtime.settings import EnvironmentSettings
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
from services.router.salesforce import campaigns, cases, comments, responses, tasks
from services.router.salesforce.actions import Action, note_of, render
from services.router.salesforce.budget import Budget
from services.router.salesforce.contents import (
    CampaignContent,
    CaseContent,
    Content,
    NoteContent,
    ReopenContent,
    ResponseContent,
    TaskContent,
)
from services.router.salesforce.errors import code_of, pause_of, verdict
from services.router.salesforce.org import Names, Org
from services.router.salesforce.org_map import EFFECT_ID, RESPONSE_ID, RESPONSE_OBJECT, OrgMap
from services.router.salesforce.session import SalesforceSession, TooManyCallsError
from services.router.salesforce.sync import Sync
from services.router.sdk_session import lost

T = TypeVar("T")

RESPONSES = "responses"
"""Rate key of the answers' records: one call takes many of them."""


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
    calls_per_second: float = Field(10.0, gt=0)
    """Calls to Salesforce a second."""
    response_calls_per_second: float = Field(0.2, gt=0)
    """Batches of answers' records a second, each of up to 100 answers in about five calls."""
    parallel_calls: int = Field(8, ge=1, le=25)
    """Calls to Salesforce in flight at once."""
    deadline_seconds: float = Field(20.0, ge=1, le=60)
    """Hard limit of one delivery to Salesforce."""
    reserve_share: float = Field(0.05, ge=0, lt=1)
    """The part of the org's daily calls that is left to its other integrations: below it, deliveries wait."""
    org: OrgMap = OrgMap()
    """The file salesforce.yaml."""


class Salesforce:
    """A connected org."""

    def __init__(self, settings: Settings, session: SalesforceSession) -> None:
        self.limits = Limits(
            calls_per_second=settings.calls_per_second,
            parallel_calls=settings.parallel_calls,
            deadline_seconds=settings.deadline_seconds,
            batches_per_second={RESPONSES: settings.response_calls_per_second},
        )
        self._session = session
        self.org_map = settings.org
        self._names = Names()
        self.username = settings.username or ""
        self._deadline_seconds = settings.deadline_seconds

    def deliver(self, call: Call) -> Result:
        """Make the record, bring it up to date, or take it back."""

        def gone() -> Result | None:
            is_retraction = call.operation is Operation.RETRACT
            return Delivered(call.external_id) if is_retraction else None

        return self._answered(call, lambda org: _deliver(org, call), gone=gone)

    def batch_key(self, call: Call) -> str | None:
        """Answers' records travel together, and so do new Cases, and new Tasks."""
        kind = str(call.content.get("kind"))
        is_new = call.operation is Operation.CREATE and call.external_id is None
        return kind if kind == "response" or (kind in _MANY and is_new) else None

    def deliver_many(self, calls: Sequence[Call]) -> Sequence[Result]:
        """Write many records of a kind in a few calls; each row's answer becomes the result of its effect."""
        pairs = [(call, Content.model_validate(call.content).root) for call in calls]
        results = self._answered(calls[0], lambda org: _MANY[pairs[0][1].kind](org, pairs))
        return results if isinstance(results, list) else [results] * len(calls)

    def reconcile(self, call: Call) -> Sighting:
        """Look for the record by the effect's id; of several (Tasks) the oldest is kept."""
        try:
            found = self._within(call.deadline_seconds, lambda org: _find(org, call))
        except SalesforceError as error:
            return Retry(code_of(error), pause_of(code_of(error)))
        except TooManyCallsError as error:
            return Retry("http_429", error.retry_after_seconds)
        except OSError as error:
            return Retry(lost(error).cause)
        return found if isinstance(found, Retry) else Found(found) if found else Absent()

    def ask(self, soql: str) -> Sequence[Mapping[str, Any]] | Retry:
        """All records that a query finds, or why it cannot be asked now."""

        def asked(org: Org) -> Sequence[Mapping[str, Any]]:
            return list(org.client.query_all(soql)["records"])

        try:
            return self._within(self._deadline_seconds, asked)
        except SalesforceError as error:
            return Retry(code_of(error), pause_of(code_of(error)))
        except TooManyCallsError as error:
            return Retry("http_429", error.retry_after_seconds)
        except OSError as error:
            return Retry(lost(error).cause)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _answered(
        self, call: Call, act: Callable[[Org], T], gone: Callable[[], Result | None] = lambda: None
    ) -> T | Result:
        try:
            return self._within(call.deadline_seconds, act)
        except (SalesforceError, TooManyCallsError, OSError) as error:
            if isinstance(error, SalesforceResourceNotFound) and (result := gone()) is not None:
                return result
            return verdict(error)

    def _within(self, seconds: float, act: Callable[[Org], T]) -> T | Retry:
        if refusal := self._session.budget.refusal():
            return refusal
        return within(seconds, lambda: self._with_login(act))

    def _with_login(self, act: Callable[[Org], T]) -> T:
        client = self._session.client()
        try:
            return act(self._org(client))
        except SalesforceExpiredSession:
            self._session.forget(client)
            return act(self._org(self._session.client()))

    def _org(self, client: Client) -> Org:
        return Org(client, self.org_map, self._names, self.username)


_MANY: Mapping[str, Callable[[Org, Sequence[tuple[Call, Any]]], list[Result]]] = {
    "case": cases.make_many,
    "task": tasks.make_many,
    "response": responses.deliver_many,
}


def _deliver(org: Org, call: Call) -> Result:
    match Content.model_validate(call.content).root:
        case CaseContent() as content:
            return cases.deliver(org, call, content)
        case NoteContent() as content:
            return cases.annotate(org, call, content)
        case TaskContent() as content:
            return tasks.deliver(org, call, content)
        case ResponseContent() as content:
            return responses.deliver_many(org, [(call, content)])[0]
        case CampaignContent() as content:
            return campaigns.deliver(org, call, content)
        case ReopenContent() as content:
            return cases.reopen(org, call, content)


def _find(org: Org, call: Call) -> str | None:
    effect_id = str(call.effect_id)
    match Content.model_validate(call.content).root:
        case ReopenContent(case=case):
            found = cases.named(org, case)
            return comments.find(org, found[0], call.effect_id) if found else None
        case ResponseContent(response_id=response_id):
            return org.record_of(RESPONSE_OBJECT, RESPONSE_ID, response_id)
        case TaskContent():
            found_tasks = org.carrying("Task", effect_id)
            for other in found_tasks[1:]:
                org.objects("Task").delete(other)
            return found_tasks[0] if found_tasks else None
        case CampaignContent():
            return org.record_of("CampaignMember", EFFECT_ID, effect_id)
        case CaseContent() as content:
            return cases.find(org, call, content)
        case NoteContent():
            return comments.find(org, (call.parent_id or "").partition("/")[0], call.effect_id)


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
        budget=Budget(settings.reserve_share),
    )
    return Salesforce(settings, session)


def _lane(content: Content, facts: Facts) -> str:
    """Records of one account written side by side wait for the account's row lock and fail after 10 s.

    Answers' records, which wait for each other, have a lane of their own: no Case waits for them.
    """
    whose = content.root.account_id or facts.profile.key
    return f"{RESPONSES} {whose}" if content.root.kind == "response" else whose


PLUGIN = Plugin(
    name="salesforce",
    traits=Traits(
        after_ambiguity=AfterAmbiguity.RECONCILE, updates=True, settle_seconds=10, shows_follow_up=True
    ),
    settings=Settings,
    action=Action,
    content=Content,
    render=render,
    connect=connect,
    order_key=_lane,
    rate_key=lambda content: RESPONSES if content.root.kind == "response" else "",
    notice=note_of,
    sync=lambda org, pool, clock, desk: Sync(org=org, pool=pool, clock=clock, desk=desk),
    in_place=lambda before, now: now if now.root.kind == before.root.kind else None,
    audience=lambda content: ("salesforce", *((content.root.email,) if content.root.email else ())),
)
