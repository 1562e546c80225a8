"""Webhooks, signed, to any address: Zapier, Make, n8n, a warehouse, a survey vendor, a service of your own.

They tell of answers, or ask a vendor to send a survey. Each name under `webhook:` in destinations.yaml is a
destination of its own, `webhook.<name>`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic_settings import SettingsConfigDict

from services.router import signed_webhook
from services.router.destination import AfterAmbiguity, Call, Operation, Plugin, Traits
from services.router.facts import Facts, ResponseFacts
from services.router.signed_webhook import Receiver, WebhookSettings
from services.router.templates import Templates

_ANSWERS = {
    Operation.CREATE: "feedback.received",
    Operation.UPDATE: "feedback.updated",
    Operation.RETRACT: "feedback.withdrawn",
}
_SURVEYS = {
    Operation.CREATE: "survey.requested",
    Operation.UPDATE: "survey.updated",
    Operation.RETRACT: "survey.withdrawn",
}


class Action(BaseModel):
    """A webhook action in rules.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    comment: Literal["full", "masked", "none"] = "masked"
    """The person's words as they are, with personal details masked, or not at all."""
    person: Literal["named", "pseudonymous"] = "named"
    """Whether name, e-mail and customer id are sent, or only the person key."""


class Person(BaseModel):
    """Who answered."""

    key: str
    customer_id: str | None = None
    name: str | None = None
    email: str | None = None
    language: str | None = None
    segment: str | None = None
    role: str | None = None


class FurtherAnswer(BaseModel):
    """What they answered to one more open question of the survey."""

    question: str
    answer: str


class Account(BaseModel):
    """Their company."""

    id: str
    name: str | None
    segment: str | None


class Content(BaseModel):
    """The `data` of the webhook: an answer, or a survey to be sent."""

    model_config = ConfigDict(frozen=True)

    person: Person
    account: Account | None


class Answer(Content):
    """An answer."""

    response_id: str
    metric: str
    score: int | None
    group: str | None
    comment: str | None
    further_answers: tuple[FurtherAnswer, ...] = ()
    themes: tuple[str, ...]
    sentiment: str | None
    language: str | None
    program: str | None
    channel: str | None
    responded_at: datetime


class Survey(Content):
    """A survey that the receiver is to send; one id for ever, also of its reminders."""

    request_id: str
    program: str
    metric: str
    channel: str
    reminder: int
    """0: the survey itself, then which reminder it is."""
    question: str
    follow_up_question: str
    why_we_ask: str
    language: str
    url: str
    """Our own page for the answer, for who does not ask on theirs."""
    unsubscribe_url: str
    requested_at: datetime
    closes_at: datetime
    context: dict[str, str]


class Settings(WebhookSettings):
    """Where these webhooks go."""

    model_config = SettingsConfigDict(env_prefix="WEBHOOK_")


def payload(call: Call) -> dict[str, JsonValue]:
    """The webhook's body. A withdrawal names the answer or the survey and nothing else about the person."""
    if "request_id" in call.content:
        survey = Survey.model_validate(call.content)
        return _body(call, survey, "request_id", _SURVEYS, survey.requested_at)
    answer = Answer.model_validate(call.content)
    return _body(call, answer, "response_id", _ANSWERS, answer.responded_at)


def _body(
    call: Call, content: Content, id_field: str, types: Mapping[Operation, str], at: datetime
) -> dict[str, JsonValue]:
    named = {id_field} if call.operation is Operation.RETRACT else None
    return signed_webhook.body(call, types, at, content.model_dump(mode="json", include=named))


def render(action: Action, facts: Facts, _templates: Templates) -> Content | None:
    """What is told of an answer, or of a survey to be sent."""
    profile, account = facts.profile, facts.account
    person = (
        Person(
            key=profile.key,
            customer_id=profile.customer_id,
            name=profile.name,
            email=profile.email,
            language=profile.language,
            segment=profile.segment,
            role=profile.role,
        )
        if action.person == "named"
        else Person(key=profile.key)
    )
    company = Account(id=account.id, name=account.name, segment=account.segment) if account else None
    if facts.survey is not None:
        told = facts.survey.model_dump(mode="json", include=set(Survey.model_fields))
        return Survey.model_validate({**told, "person": person, "account": company})
    response = facts.response
    if response is None:
        return None
    comments = {"full": response.comment, "masked": response.masked_comment, "none": None}
    return Answer(
        response_id=str(response.id),
        metric=response.metric,
        score=response.score,
        group=response.group,
        comment=comments[action.comment],
        further_answers=tuple(_further_answers(action, response)),
        themes=response.themes,
        sentiment=response.sentiment,
        language=response.language,
        program=response.program,
        channel=response.channel,
        responded_at=response.responded_at,
        person=person,
        account=company,
    )


def _further_answers(action: Action, response: ResponseFacts) -> Iterator[FurtherAnswer]:
    for further in response.further_answers:
        answers = {"full": further.answer, "masked": further.masked_answer, "none": None}
        if answer := answers[action.comment]:
            yield FurtherAnswer(question=further.question, answer=answer)


def connect(settings: Settings) -> Receiver | str:
    """The receiver at the configured address."""
    return signed_webhook.connect(settings, payload)


PLUGIN = Plugin(
    name="webhook",
    is_named=True,
    traits=Traits(after_ambiguity=AfterAmbiguity.REPEAT, updates=True),
    settings=Settings,
    action=Action,
    content=Content,
    render=render,
    connect=connect,
    order_key=lambda _content, facts: facts.profile.key,
    rate_key=lambda _content: "",
    audience=lambda content: ("webhook", *((content.person.email,) if content.person.email else ())),
)
