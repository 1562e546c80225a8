"""Salesforce: Cases, Tasks, answers as records, campaign members, for what an answer asks of account teams.

What there is of it in the org, field by field, stands in `deploy/salesforce/`; each kind of record has a
module in `services/router/salesforce/`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import Field
from simple_salesforce.api import Salesforce as Client
from simple_salesforce.exceptions import SalesforceError, SalesforceResourceNotFound

from runtime.salesforce import (
    RESERVED,
    CallsReservedError,
    SalesforceSession,
    SalesforceSettings,
    TooManyCallsError,
    UnansweredError,
)
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
from services.router.salesforce.actions import Action, by_now, note_of, render
from services.router.salesforce.contents import (
    CampaignContent,
    CaseContent,
    Content,
    NoteContent,
    ReopenContent,
    ResponseContent,
    TaskContent,
)
from services.router.salesforce.errors import verdict
from services.router.salesforce.org import Names, Org
from services.router.salesforce.org_map import EFFECT_ID, RESPONSE_ID, RESPONSE_OBJECT, OrgMap
from services.router.salesforce.sync import Sync

T = TypeVar("T")

RESPONSES = "responses"
"""Rate key of the answers' records: one call takes many of them."""


class Settings(SalesforceSettings):
    """The org, and how hard it may be pressed."""

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
        found = self._read(call.deadline_seconds, lambda org: _find(org, call))
        return found if isinstance(found, Retry) else Found(found) if found else Absent()

    def ask(self, soql: str) -> Sequence[Mapping[str, Any]] | Retry:
        """All records that a query finds, or why it cannot be asked now."""

        def asked(org: Org) -> Sequence[Mapping[str, Any]]:
            return list(org.client.query_all(soql)["records"])

        return self._read(self._deadline_seconds, asked)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _answered(
        self, call: Call, act: Callable[[Org], T], gone: Callable[[], Result | None] = lambda: None
    ) -> T | Result:
        try:
            return self._session.call(call.deadline_seconds, lambda client: act(self._org(client)))
        except CallsReservedError as error:
            return Retry(RESERVED, error.wait_seconds)
        except (SalesforceError, TooManyCallsError, OSError) as error:
            if isinstance(error, SalesforceResourceNotFound) and (result := gone()) is not None:
                return result
            return verdict(error)

    def _read(self, seconds: float, act: Callable[[Org], T]) -> T | Retry:
        try:
            return self._session.answer(seconds, lambda client: act(self._org(client)))
        except UnansweredError as error:
            return Retry(error.cause, error.retry_after_seconds)

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
    # The sync asks from a thread of its own while calls are under way.
    session = settings.open(connections=settings.parallel_calls + 1, reserve_share=settings.reserve_share)
    return session if isinstance(session, str) else Salesforce(settings, session)


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
    by_now=by_now,
    audience=lambda content: ("salesforce", *((content.root.email,) if content.root.email else ())),
)
