"""Webhooks: answers, signed, to any address: Zapier, Make, n8n, a warehouse, a service of your own.

Each name under `webhook:` in destinations.yaml is a destination of its own, `webhook.<name>`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic_settings import SettingsConfigDict

from services.router import signed_webhook
from services.router.destination import AfterAmbiguity, Call, Operation, Plugin, Traits
from services.router.facts import Facts, ResponseFacts
from services.router.signed_webhook import Receiver, WebhookSettings
from services.router.templates import Templates

_TYPES = {
    Operation.CREATE: "feedback.received",
    Operation.UPDATE: "feedback.updated",
    Operation.RETRACT: "feedback.withdrawn",
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
    """The `data` of the webhook."""

    model_config = ConfigDict(frozen=True)

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
    person: Person
    account: Account | None


class Settings(WebhookSettings):
    """Where these webhooks go."""

    model_config = SettingsConfigDict(env_prefix="WEBHOOK_")


def payload(call: Call) -> dict[str, JsonValue]:
    """The webhook's body. A withdrawal names the answer and nothing else about the person."""
    content = Content.model_validate(call.content)
    named = {"response_id"} if call.operation is Operation.RETRACT else None
    told = content.model_dump(mode="json", include=named)
    return signed_webhook.body(call, _TYPES, content.responded_at, told)


def render(action: Action, facts: Facts, _templates: Templates) -> Content | None:
    """What is told of an answer; a survey request is nothing to tell."""
    response, profile, account = facts.response, facts.profile, facts.account
    if response is None:
        return None
    comments = {"full": response.comment, "masked": response.masked_comment, "none": None}
    return Content(
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
        person=Person(
            key=profile.key,
            customer_id=profile.customer_id,
            name=profile.name,
            email=profile.email,
            language=profile.language,
            segment=profile.segment,
            role=profile.role,
        )
        if action.person == "named"
        else Person(key=profile.key),
        account=Account(id=account.id, name=account.name, segment=account.segment) if account else None,
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
