"""Marketing: a signed webhook to whatever platform runs the campaigns."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_settings import SettingsConfigDict

from services.router import signed_webhook
from services.router.destination import AfterAmbiguity, Call, Operation, Plugin, Traits
from services.router.facts import Facts
from services.router.signed_webhook import Receiver, WebhookSettings
from services.router.templates import Templates

_TYPES = {
    Operation.CREATE: "feedback.shared",
    Operation.UPDATE: "feedback.updated",
    Operation.RETRACT: "feedback.withdrawn",
}


class Action(BaseModel):
    """A marketing action in rules.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign: str = Field(min_length=1, max_length=80)
    """What marketing is to do with the person, e.g. `referral`; sent along as it is."""
    asks: tuple[str, ...] = ()
    """Favours the person may be asked for. Those they agreed to are sent along; where there are none of them,
    nothing is sent. Left out: no favour is asked."""


class Person(BaseModel):
    """Whom marketing is told about."""

    customer_id: str | None
    name: str | None
    email: str | None
    language: str | None
    segment: str | None


class Content(BaseModel):
    """The `data` of the webhook. The comment stays with the people who work on it."""

    model_config = ConfigDict(frozen=True)

    campaign: str
    asks: tuple[str, ...] = ()
    """Favours that the person agreed to be asked for."""
    response_id: str
    metric: str
    score: int | None
    group: str | None
    themes: tuple[str, ...]
    responded_at: datetime
    person: Person
    account_id: str | None
    account_name: str | None


class Settings(WebhookSettings):
    """Where the webhooks go."""

    model_config = SettingsConfigDict(env_prefix="MARKETING_")


def payload(call: Call) -> dict[str, JsonValue]:
    """The webhook's body. A withdrawal names the answer and nothing else about the person."""
    content = Content.model_validate(call.content)
    named = {"campaign", "response_id"} if call.operation is Operation.RETRACT else None
    told = content.model_dump(mode="json", include=named)
    return signed_webhook.body(call, _TYPES, content.responded_at, told)


def render(action: Action, facts: Facts, _templates: Templates) -> Content | None:
    """What marketing is told of an answer; a survey request is none of its business."""
    response, profile, account = facts.response, facts.profile, facts.account
    asks = tuple(ask for ask in action.asks if ask in profile.consents)
    if response is None or (action.asks and not asks):
        return None
    return Content(
        campaign=action.campaign,
        asks=asks,
        response_id=str(response.id),
        metric=response.metric,
        score=response.score,
        group=response.group,
        themes=response.themes,
        responded_at=response.responded_at,
        person=Person(
            customer_id=profile.customer_id,
            name=profile.name,
            email=profile.email,
            language=profile.language,
            segment=profile.segment,
        ),
        account_id=account.id if account else None,
        account_name=account.name if account else None,
    )


def connect(settings: Settings) -> Receiver | str:
    """The receiver at the configured address."""
    return signed_webhook.connect(settings, payload)


PLUGIN = Plugin(
    name="marketing",
    traits=Traits(after_ambiguity=AfterAmbiguity.REPEAT, updates=True),
    settings=Settings,
    action=Action,
    content=Content,
    render=render,
    connect=connect,
    order_key=lambda _content, facts: facts.profile.key,
    rate_key=lambda _content: "",
    audience=lambda content: ("marketing", *((content.person.email,) if content.person.email else ())),
)
