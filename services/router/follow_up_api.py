"""The router's HTTP API for follow-ups: which there are, what was done about one, and doing it."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from runtime.clock import Clock
from runtime.operator import Operator
from runtime.postgres import Pool
from runtime.problems import FieldProblem, Problem
from schemas.scales import Group, Metric
from services.router import follow_up_store, plan_store
from services.router.actors import known_actor, known_team
from services.router.facts import Facts
from services.router.follow_up import UNRESOLVED, FollowUp, FollowUpView, State
from services.router.follow_up_bodies import CommandBody, command_of
from services.router.follow_up_commands import Refusal
from services.router.follow_up_desk import Desk
from services.router.follow_up_store import Page, Wish
from services.router.people import People, view_of

_SEPARATOR = "~"


class FollowUpState(FollowUpView):
    """A follow-up, and whose it is about."""

    rule: str
    person_key: str
    account_id: str | None
    opened_at: datetime
    reopened_at: datetime | None
    resolved_at: datetime | None
    next_due_at: datetime
    """The target that is owed next."""


class HistoryLine(BaseModel):
    """What was done; `actor` null is the product itself."""

    at: datetime
    actor: str | None
    what: str
    detail: str | None


class FurtherAnswer(BaseModel):
    """What the person answered to one more open question of the survey."""

    question: str
    answer: str


class AnswerState(BaseModel):
    """The answer behind a follow-up, as it is known now."""

    metric: Metric
    score: int | None
    group: Group | None
    comment: str | None
    further_answers: list[FurtherAnswer]
    themes: list[str]
    sentiment: str | None
    responded_at: datetime


class FollowUpDetails(FollowUpState):
    """With its history, oldest first. `answer` null: it was forgotten."""

    answer: AnswerState | None
    history: list[HistoryLine]


class FollowUpPage(BaseModel):
    """By what is due next. `next`, given back as `after`, continues; null: this is the end."""

    items: list[FollowUpState]
    next: str | None


class FollowUpQuery(BaseModel):
    """Which follow-ups are asked for."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    owner: str | None = None
    """Id or address in people.yaml."""
    team: str | None = None
    """Id in people.yaml."""
    state: Literal["open", "claimed", "contacted", "resolved", "unresolved", "all"] = "unresolved"
    overdue: bool = False
    """Only those that owe something already."""
    after: str | None = None
    """`next` of the page before."""
    limit: int = Field(50, ge=1, le=500)

    def wish(self, now: datetime) -> Wish:
        """As the store is asked."""
        states: dict[str, tuple[State, ...]] = {"all": tuple(State), "unresolved": UNRESOLVED}
        return Wish(
            owner=self.owner,
            teams=[self.team] if self.team else None,
            states=states.get(self.state) or (State(self.state),),
            due_before=now if self.overdue else None,
        )


def routes(*, desk: Desk, pool: Pool, clock: Clock, operator: Operator) -> APIRouter:
    """The API's routes."""
    router = APIRouter(prefix="/v1/follow-ups", dependencies=[Depends(operator)])

    @router.get("")
    def find(query: Annotated[FollowUpQuery, Query()]) -> FollowUpPage:
        after = _page(query.after) if query.after else None
        owner = desk.people.by_email(query.owner)
        wish = query.model_copy(update={"owner": owner.id} if owner else {}).wish(clock.now())
        with pool.connection() as connection:
            found = follow_up_store.find(connection, wish, limit=query.limit, after=after)
        if not found:
            # Whoever has left people.yaml may still have some: a name is wrong where it finds nothing.
            _must_be_known(query, desk.people)
        return FollowUpPage(
            items=[FollowUpState.model_validate(_state(it, desk)) for it in found],
            next=_cursor(found[-1]) if len(found) == query.limit else None,
        )

    @router.get("/{follow_up_id}")
    def show(follow_up_id: UUID) -> FollowUpDetails:
        return _details(follow_up_id, desk, pool)

    @router.patch("/{follow_up_id}")
    def change(follow_up_id: UUID, body: CommandBody) -> FollowUpDetails:
        asked = command_of(body, desk.people)
        with pool.connection() as connection:
            subject = follow_up_store.subject_of(connection, follow_up_id)
        decided = desk.apply(subject, asked) if subject else None
        if isinstance(decided, Refusal):
            holder = desk.people.person(decided.holder)
            reason = f"{holder.name} has it already" if holder else decided.reason
            raise Problem(409, f"{reason[:1].upper()}{reason[1:]}.")
        return _details(follow_up_id, desk, pool)

    return router


def _must_be_known(query: FollowUpQuery, people: People) -> None:
    if query.owner:
        known_actor(people, query.owner, field="owner")
    if query.team:
        known_team(people, query.team, field="team")


def _details(id_: UUID, desk: Desk, pool: Pool) -> FollowUpDetails:
    with pool.connection() as connection:
        subject = follow_up_store.subject_of(connection, id_)
        found = follow_up_store.of_subjects(connection, [subject] if subject else [])
        history = follow_up_store.history(connection, id_)
        best = plan_store.best_known(connection, list(found))
    if subject is None:
        raise Problem(404, "There is no follow-up with this id.")
    lines = [asdict(line) for line in history]
    known = Facts.model_validate_json(best[subject].facts).response if subject in best else None
    return FollowUpDetails.model_validate(
        {
            **_state(found[subject], desk),
            "answer": known.model_dump() if known else None,
            "history": lines,
        }
    )


def _state(it: FollowUp, desk: Desk) -> dict[str, object]:
    return {
        **view_of(it, desk.people).model_dump(),
        "rule": it.rule,
        "person_key": it.person_key,
        "account_id": it.account_id,
        "opened_at": it.opened_at,
        "reopened_at": it.reopened_at,
        "resolved_at": it.resolved_at,
        "next_due_at": it.next_due_at,
    }


def _cursor(it: FollowUp) -> str:
    return f"{it.next_due_at.isoformat()}{_SEPARATOR}{it.id}"


def _page(after: str) -> Page:
    due_at, _, id_ = after.partition(_SEPARATOR)
    try:
        return Page(datetime.fromisoformat(due_at), UUID(id_))
    except ValueError:
        expected = FieldProblem("after", "`next` of the page before")
        raise Problem(422, "There is no such page.", errors=[expected]) from None
