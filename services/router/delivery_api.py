"""The router's HTTP API for deliveries: which there are, why one is where it is, what to do about it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from runtime.clock import Clock
from runtime.operator import Operator
from runtime.postgres import Pool
from runtime.problems import FieldProblem, Problem
from services.router import history, interventions
from services.router.history import DeliveryStatus, Filter, Row
from services.router.interventions import Answer
from services.router.plugins import AnyPlugin

DAYS_SHOWN = 7
"""How far back deliveries are listed when nobody says."""
_SEPARATOR = "~"

log = structlog.get_logger(__name__)


class AttemptState(BaseModel):
    """One call. `request` says in words what was asked of whom."""

    request: str
    operation: str
    version: int
    started_at: datetime
    finished_at: datetime | None
    result: str | None
    """delivered, found, absent, retry, failed, ambiguous, not_started, lost: nobody recorded its end."""
    cause: str | None
    """The class of error."""


class DeliverySummary(BaseModel):
    """One effect: what is wanted outside, and what is known of it."""

    effect_id: UUID
    subject: str
    action: str
    rule: str
    destination: str
    person_key: str
    account_id: str | None
    wanted: str
    desired_version: int
    sent_version: int
    outside: str
    external_id: str | None
    status: str
    reason: str | None
    is_ambiguous: bool
    """A call may have arrived or not, and that is not settled yet."""
    is_under_way: bool
    failures: int
    """In a row."""
    planned_at: datetime
    changed_at: datetime
    not_before: datetime | None
    next_try_at: datetime | None


class DeliveryDetails(DeliverySummary):
    """With what is sent, and every call for it, oldest first."""

    content: dict[str, JsonValue]
    attempts: list[AttemptState]


class DeliveryPage(BaseModel):
    """Newest first. `next`, given back as `after`, continues; null: this is the end."""

    items: list[DeliverySummary]
    next: str | None


class DeliveryQuery(BaseModel):
    """Which deliveries are asked for."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    destination: str | None = None
    status: DeliveryStatus | None = None
    since: AwareDatetime | None = None
    """Planned since then; a week ago where nothing is said and no subject given."""
    rule: str | None = None
    person: str | None = None
    """Person key."""
    subject: str | None = Field(None, examples=["response:<response id>"])
    after: str | None = None
    """`next` of the page before."""
    limit: int = Field(50, ge=1, le=500)

    def filter(self, now: datetime) -> Filter:
        """As the ledger is asked. Raises Problem for an `after` that no page gave."""
        is_all = self.since is not None or self.subject is not None
        return Filter(
            since=self.since if is_all else now - timedelta(days=DAYS_SHOWN),
            subject=self.subject,
            destination=self.destination,
            status=self.status,
            rule=self.rule,
            person_key=self.person,
            below=_below(self.after) if self.after else None,
        )


class ReplayRequest(BaseModel):
    """Which failed deliveries to make again."""

    model_config = ConfigDict(extra="forbid")

    destination: str
    since: AwareDatetime
    """Of those planned since then."""


class Replayed(BaseModel):
    """How many deliveries wait again."""

    replayed: int


def routes(*, pool: Pool, clock: Clock, plugins: Mapping[str, AnyPlugin], operator: Operator) -> APIRouter:
    """The API's routes."""
    router = APIRouter(prefix="/v1/deliveries", dependencies=[Depends(operator)])

    @router.get("")
    def find(query: Annotated[DeliveryQuery, Query()]) -> DeliveryPage:
        with pool.connection() as connection:
            found = history.deliveries(connection, query.filter(clock.now()), limit=query.limit)
        if not found and query.destination:
            # What is off or gone may still have some: a name is wrong where it finds nothing.
            _must_be_known(query.destination, plugins, field="destination")
        return DeliveryPage(
            items=[DeliverySummary.model_validate(row) for row in found],
            next=_cursor(found[-1]) if len(found) == query.limit else None,
        )

    @router.get("/{effect_id}")
    def show(effect_id: UUID) -> DeliveryDetails:
        with pool.connection() as connection:
            row = history.delivery(connection, effect_id, clock.now())
        if row is None:
            raise Problem(404, f"{Answer.UNKNOWN.capitalize()}.")
        return _details(row, plugins)

    def intervene(
        effect_id: UUID, what: str, change: Callable[[history.Connection, UUID, datetime], Answer]
    ) -> DeliveryDetails:
        now = clock.now()
        with pool.connection() as connection:
            answer = change(connection, effect_id, now)
            row = history.delivery(connection, effect_id, now)
        log.info("operator intervened", what=what, effect_id=str(effect_id), answer=answer.name.lower())
        if answer is not Answer.DONE or row is None:
            raise Problem(404 if answer is Answer.UNKNOWN else 409, f"{answer.capitalize()}.")
        return _details(row, plugins)

    @router.post("/replay")
    def replay(request: ReplayRequest) -> Replayed:
        _must_be_known(request.destination, plugins, field="/destination")
        count = _replay(pool, request, clock.now())
        log.info("operator intervened", what="replay", destination=request.destination, count=count)
        return Replayed(replayed=count)

    @router.post("/{effect_id}/retry")
    def retry(effect_id: UUID) -> DeliveryDetails:
        return intervene(effect_id, "retry", interventions.retry)

    @router.post("/{effect_id}/cancel")
    def cancel(effect_id: UUID) -> DeliveryDetails:
        return intervene(effect_id, "cancel", interventions.cancel)

    return router


def _must_be_known(destination: str, plugins: Mapping[str, AnyPlugin], *, field: str) -> None:
    if destination not in plugins:
        expected = FieldProblem(field, f"one of {', '.join(plugins)}")
        raise Problem(422, "There is no destination of this name.", errors=[expected])


def _replay(pool: Pool, request: ReplayRequest, now: datetime) -> int:
    total = 0
    while True:
        with pool.connection() as connection:
            count = interventions.replay(connection, request.destination, request.since, now)
        total += count
        if count < interventions.REPLAY_BATCH:
            return total


def _details(row: Row, plugins: Mapping[str, AnyPlugin]) -> DeliveryDetails:
    audience = _audience(row, plugins.get(row["destination"]))
    attempts = [attempt | {"request": _request(attempt, audience)} for attempt in row["attempts"]]
    return DeliveryDetails.model_validate(row | {"attempts": attempts})


def _audience(row: Row, plugin: AnyPlugin | None) -> str:
    """Whom it reaches, as the pilot's allow-list would name them."""
    if plugin is None or not row["content"]:
        return str(row["destination"])
    return ", ".join(plugin.audience(plugin.content.model_validate(row["content"])))


def _request(attempt: Mapping[str, Any], audience: str) -> str:
    return f"{attempt['operation']} version {attempt['version']} for {audience}"


def _cursor(row: Row) -> str:
    return f"{row['planned_at'].isoformat()}{_SEPARATOR}{row['effect_id']}"


def _below(after: str) -> tuple[datetime, UUID]:
    at, _, effect_id = after.partition(_SEPARATOR)
    try:
        return datetime.fromisoformat(at), UUID(effect_id)
    except ValueError:
        raise Problem(
            422, "Not as expected: after.", errors=[FieldProblem("after", "`next` of an earlier page")]
        ) from None
