"""The router's HTTP API for single answers: what can be done about one, and doing it.

What concerns the follow-up alone is a command of `/v1/follow-ups`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import to_message
from runtime.operator import Operator
from runtime.postgres import Pool
from runtime.problems import FieldProblem, Problem
from runtime.tracing import new_traceparent
from schemas.corrections import CorrectedField
from services.router import follow_up_store, plan_store
from services.router.actors import known_actor
from services.router.corrections import Read, correction
from services.router.draft import Draft
from services.router.facts import Facts, ResponseFacts
from services.router.follow_up import FollowUpView, Resolution
from services.router.follow_up_bodies import LongText, Text
from services.router.follow_up_commands import HandOver, Refusal
from services.router.follow_up_desk import Desk
from services.router.letters import Letters, answered
from services.router.outcomes import SOURCE, subject_of_response
from services.router.people import view_of
from services.router.plugins import AnyPlugin
from services.router.slack.showing import show_to

Connection = psycopg.Connection[Any]

SENTIMENTS = ("positive", "neutral", "negative")


class Named(BaseModel):
    """Something to choose."""

    id: str
    name: str


class Mailing(BaseModel):
    """Whether the customer can be written to. `refusal`: why a mail would not leave now."""

    to: str | None
    refusal: str | None


class AnswerOptions(BaseModel):
    """What can be done about an answer. `follow_up` null: nobody has to follow it up."""

    follow_up: FollowUpView | None
    mail: Mailing
    teams: list[Named]
    colleagues: list[Named]
    themes: list[Named]
    resolutions: list[Resolution]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    actor: Text
    """Id or address in people.yaml of whoever does it."""


class Letter(_Body):
    """A mail to the customer."""

    letter_id: UUID
    """Chosen by the caller: the same letter is sent once, however often it is asked for."""
    subject: Text
    text: LongText


class Correction(_Body):
    """What the classification should have said."""

    field: CorrectedField
    revision: int = Field(ge=0)
    """Of the answer, as it was read."""
    after: list[Text] = Field(max_length=50)
    """Ids of themes, a sentiment, or functions."""


class Routing(_Body):
    """The team that should see to it."""

    team: Text
    """Id in people.yaml."""


class Done(BaseModel):
    """What came of it; `is_new` false: it had been done before."""

    is_new: bool


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What can be done about answers. `themes` are names by id."""

    desk: Desk
    pool: Pool
    clock: Clock
    plugins: Mapping[str, AnyPlugin]
    letters: Letters
    themes: Mapping[str, str]

    def options(self, response_id: UUID) -> AnswerOptions:
        """What can be done about one now."""
        with self.pool.connection() as connection:
            facts, _ = _known(connection, response_id)
            subject = subject_of_response(response_id)
            it = follow_up_store.of_subjects(connection, [subject]).get(subject)
        people = self.desk.people
        return AnswerOptions(
            follow_up=view_of(it, people) if it else None,
            mail=self._mailing(facts),
            teams=[Named(id=id_, name=team.name) for id_, team in people.teams.items()],
            colleagues=[Named(id=one.id, name=one.name) for one in people.persons.values()],
            themes=[Named(id=id_, name=name) for id_, name in self.themes.items()],
            resolutions=list(Resolution),
        )

    def write(self, response_id: UUID, body: Letter) -> Done:
        """Have a letter mailed. Raises Problem where no mail would leave."""
        writer = known_actor(self.desk.people, body.actor)
        with self.pool.connection() as connection:
            facts, _ = _known(connection, response_id)
            mailing = self._mailing(facts)
            if mailing.to is None or mailing.refusal is not None:
                raise Problem(409, f"No mail would leave: {mailing.refusal}.")
            account_id = facts.account.id if facts.account else None
            about = answered(subject_of_response(response_id), facts.profile.key, account_id)
            draft = Draft(to=mailing.to, name=facts.profile.name, subject=body.subject, text=body.text)
            return Done(is_new=self.letters.send(connection, about, draft, body.letter_id, writer))

    def correct(self, response_id: UUID, body: Correction) -> Done:
        """Tell the classifier, and everybody else, what should have been said."""
        actor = known_actor(self.desk.people, body.actor)
        self._check(body)
        with self.pool.connection() as connection:
            facts, response = _known(connection, response_id)
            event = correction(
                Read(response_id, facts.profile.key, body.revision),
                body.field,
                _seen(response, body.field),
                body.after,
                actor=actor.id,
                now=self.clock.now(),
            )
            if event is not None:
                outbox.append(connection, [to_message(event, source=SOURCE, traceparent=new_traceparent())])
        return Done(is_new=event is not None)

    def route(self, response_id: UUID, body: Routing) -> Done:
        """Hand the follow-up to a team, and show the card where that team reads."""
        people, now = self.desk.people, self.clock.now()
        actor = known_actor(people, body.actor)
        if body.team not in people.teams:
            expected = FieldProblem("/team", f"one of {', '.join(people.teams)}")
            raise Problem(422, "people.yaml knows no such team.", errors=[expected])
        subject, slack = subject_of_response(response_id), self.plugins.get("slack")
        with self.pool.connection() as connection:
            _known(connection, response_id)
            decided = self.desk.apply_in(connection, subject, HandOver(actor.id, body.team), now)
            if isinstance(decided, Refusal):
                raise Problem(409, f"{decided.reason[:1].upper()}{decided.reason[1:]}.")
            is_shown = slack is not None and show_to(
                connection, subject, body.team, people, plugin=slack, now=now
            )
            if decided is None and not is_shown:
                raise Problem(409, "Nobody follows this answer up, and there is no card to show the team.")
        return Done(is_new=decided is None or decided.entry is not None)

    def _mailing(self, facts: Facts) -> Mailing:
        to = facts.profile.email
        refusal = self.letters.unsendable(to) if to else "the customer's address is not known"
        return Mailing(to=to, refusal=refusal)

    def _check(self, body: Correction) -> None:
        choices = {CorrectedField.THEMES: tuple(self.themes), CorrectedField.SENTIMENT: SENTIMENTS}
        allowed = choices.get(body.field)
        is_one = body.field is not CorrectedField.SENTIMENT or len(body.after) == 1
        if allowed is None or (is_one and set(body.after) <= set(allowed)):
            return
        expected = ("some" if is_one else "one") + f" of {', '.join(allowed)}"
        raise Problem(422, "That cannot be put right so.", errors=[FieldProblem("/after", expected)])


def routes(answers: Answers, operator: Operator) -> APIRouter:
    """The API's routes."""
    router = APIRouter(prefix="/v1/answers/{response_id}", dependencies=[Depends(operator)])
    router.add_api_route("", answers.options)
    router.add_api_route("/letters", answers.write, methods=["POST"])
    router.add_api_route("/corrections", answers.correct, methods=["POST"])
    router.add_api_route("/routing", answers.route, methods=["POST"])
    return router


def _known(connection: Connection, response_id: UUID) -> tuple[Facts, ResponseFacts]:
    subject = subject_of_response(response_id)
    best = plan_store.best_known(connection, [subject]).get(subject)
    facts = Facts.model_validate_json(best.facts) if best else None
    if facts is None or facts.response is None:
        raise Problem(404, "The router knows no answer with this id.")
    return facts, facts.response


def _seen(response: ResponseFacts, field: CorrectedField) -> tuple[str, ...]:
    match field:
        case CorrectedField.THEMES:
            return response.themes
        case CorrectedField.FUNCTIONS:
            return response.functions
        case CorrectedField.SENTIMENT:
            return (response.sentiment,) if response.sentiment else ()
    return ()
