"""Health: every score, with the one before it, to the platform that keeps the customers' health."""

from datetime import datetime
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic_settings import SettingsConfigDict

from services.router import signed_webhook
from services.router.destination import AfterAmbiguity, Call, Failed, Operation, Plugin, Traits
from services.router.facts import Facts, PreviousFacts
from services.router.movement import Around, Score, movement
from services.router.outbound import ErrorTable
from services.router.signed_webhook import Receiver, WebhookSettings
from services.router.templates import Templates

ERRORS: ErrorTable = {**signed_webhook.ERRORS, HTTPStatus.NOT_FOUND: Failed}
"""As of every webhook; these platforms say 404 of a customer they do not know."""

_TYPES = {
    Operation.CREATE: "health.scored",
    Operation.UPDATE: "health.scored",
    Operation.RETRACT: "health.withdrawn",
}


class Action(BaseModel):
    """A health action in rules.yaml: it has nothing to choose."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Scored(BaseModel):
    """One score of a person."""

    score: int
    group: str | None
    responded_at: datetime


class Content(BaseModel):
    """The `data` of the webhook: whose score, and what it was before. No name, no comment."""

    model_config = ConfigDict(frozen=True)

    response_id: str
    metric: str
    current: Scored
    previous: Scored | None
    movement: str | None
    customer_id: str | None
    email: str | None
    account_id: str | None
    account_salesforce_id: str | None
    later: Scored | None = None
    """The newest score that the person gave after this one; told in place of one that is withdrawn."""


class Settings(WebhookSettings):
    """Where the scores go."""

    model_config = SettingsConfigDict(env_prefix="HEALTH_")


def payload(call: Call) -> dict[str, JsonValue]:
    """The webhook's body. A withdrawal says which answer is no more and which score counts now."""
    content = Content.model_validate(call.content)
    told = content.model_dump(mode="json")
    later = told.pop("later")
    if call.operation is Operation.RETRACT:
        told |= {"current": later or told["previous"], "previous": None}
        del told["movement"]
    return signed_webhook.body(call, _TYPES, content.current.responded_at, told)


def render(_action: Action, facts: Facts, _templates: Templates) -> Content | None:
    """The score of an answer that has one, for a person or an account that the platform can know."""
    response, profile, account = facts.response, facts.profile, facts.account
    if response is None or response.score is None:
        return None
    if profile.customer_id is None and profile.email is None and account is None:
        return None
    return Content(
        response_id=str(response.id),
        metric=response.metric,
        current=Scored(score=response.score, group=response.group, responded_at=response.responded_at),
        previous=_scored(facts.previous),
        movement=response.movement,
        customer_id=profile.customer_id,
        email=profile.email,
        account_id=account.id if account else None,
        account_salesforce_id=account.salesforce_id if account else None,
    )


def by_now(content: Content, around: Around) -> Content:
    """The score with those that come before and after it now."""
    previous = next(iter(around.earlier), None)
    return content.model_copy(
        update={
            "previous": _scored(previous),
            "movement": movement(content.current.score, previous),
            "later": _scored(around.later),
        }
    )


def _scored(before: PreviousFacts | Score | None) -> Scored | None:
    if before is None:
        return None
    return Scored(score=before.score, group=before.group, responded_at=before.responded_at)


def connect(settings: Settings) -> Receiver | str:
    """The platform at the configured address."""
    return signed_webhook.connect(settings, payload, ERRORS)


PLUGIN = Plugin(
    name="health",
    traits=Traits(after_ambiguity=AfterAmbiguity.REPEAT, updates=True),
    settings=Settings,
    action=Action,
    content=Content,
    render=render,
    connect=connect,
    order_key=lambda _content, facts: facts.profile.key,
    rate_key=lambda _content: "",
    by_now=by_now,
    audience=lambda content: ("health", *((content.email,) if content.email else ())),
)
