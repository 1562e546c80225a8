"""Marketing: a signed webhook (Standard Webhooks 1.0.0) to whatever platform runs the campaigns.

A receiver knows a repeated webhook by its id, so a call whose answer was lost is simply made again. The id is
the effect's; news of the same effect (an edited score, a withdrawn answer) has a webhook and id of its own.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

import httpx
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, JsonValue, SecretStr
from pydantic_core import to_json
from pydantic_settings import SettingsConfigDict
from standardwebhooks import Webhook

from runtime.settings import EnvironmentSettings
from services.router.deadline import remaining, within
from services.router.destination import (
    Absent,
    AfterAmbiguity,
    Ambiguous,
    Call,
    Delivered,
    Failed,
    Limits,
    Operation,
    Plugin,
    Result,
    Retry,
    Sighting,
    Traits,
)
from services.router.facts import Facts
from services.router.templates import Templates

ERRORS: Mapping[int, type[Retry | Failed | Ambiguous]] = {
    HTTPStatus.BAD_REQUEST: Failed,
    HTTPStatus.CONFLICT: Failed,
    HTTPStatus.GONE: Failed,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Failed,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: Failed,
    HTTPStatus.UNPROCESSABLE_ENTITY: Failed,
}
"""What a status other than 2xx means; any other: Retry.

A redirect, a refused signature or a missing address concern every webhook and pass when somebody puts them
right. A server error is repeated: the receiver recognises the id.
"""

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
    response_id: str
    metric: str
    score: int | None
    group: str | None
    themes: tuple[str, ...]
    responded_at: datetime
    person: Person
    account_id: str | None
    account_name: str | None


class Settings(EnvironmentSettings):
    """Where the webhooks go."""

    model_config = SettingsConfigDict(env_prefix="MARKETING_")

    url: HttpUrl | None = None
    """Where marketing takes webhooks; unset: marketing is off."""
    secret: SecretStr | None = None
    """Standard Webhooks secret, `whsec_` and base64."""
    calls_per_second: float = Field(20.0, gt=0)
    """Webhooks a second to marketing."""
    parallel_calls: int = Field(4, ge=1, le=64)
    """Webhooks to marketing in flight at once."""
    deadline_seconds: float = Field(10.0, ge=1, le=60)
    """Hard limit of one webhook to marketing."""


class Marketing:
    """A connected receiver."""

    def __init__(self, settings: Settings, url: HttpUrl, signer: Webhook) -> None:
        self.limits = Limits(
            calls_per_second=settings.calls_per_second,
            parallel_calls=settings.parallel_calls,
            deadline_seconds=settings.deadline_seconds,
        )
        self._url = str(url)
        self._signer = signer
        self._http = httpx.Client(
            follow_redirects=False, limits=httpx.Limits(max_connections=settings.parallel_calls)
        )

    def deliver(self, call: Call) -> Result:
        """Send the webhook that says what happened to the effect."""
        content = Content.model_validate(call.content)
        webhook_id = str(call.effect_id)
        if call.operation is not Operation.CREATE:
            webhook_id += f".{call.version}"
        body = payload(call, content)
        try:
            response = within(call.deadline_seconds, lambda: self._post(webhook_id, body))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Retry(_snake(error))
        except httpx.TransportError as error:
            return Ambiguous(_snake(error))
        except TimeoutError:
            return Ambiguous("timeout")
        return Delivered(str(call.effect_id)) if response.is_success else verdict(response)

    def reconcile(self, _call: Call) -> Sighting:
        """A receiver cannot be asked; repeating the webhook settles it."""
        return Absent()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _post(self, webhook_id: str, body: str) -> httpx.Response:
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(webhook_id, now, body),
        }
        return self._http.post(self._url, content=body.encode(), headers=headers, timeout=remaining())


def payload(call: Call, content: Content) -> str:
    """The webhook's body. A withdrawal names the answer and nothing else about the person."""
    data: dict[str, JsonValue] = {"effect_id": str(call.effect_id), "version": call.version}
    if call.operation is Operation.RETRACT:
        data |= {"campaign": content.campaign, "response_id": content.response_id}
    else:
        data |= content.model_dump(mode="json")
    body = {"type": _TYPES[call.operation], "timestamp": content.responded_at.isoformat(), "data": data}
    return to_json(body).decode()


def verdict(response: httpx.Response) -> Result:
    """What an answer other than 2xx means for the effect."""
    cause = f"http_{response.status_code}"
    meaning = ERRORS.get(response.status_code, Retry)
    if meaning is not Retry:
        return meaning(cause)
    wait = response.headers.get("retry-after", "")
    return Retry(cause, float(wait) if wait.isdecimal() else None)


def _snake(error: Exception) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in type(error).__name__)[
        1:
    ]


def render(action: Action, facts: Facts, _templates: Templates) -> Content | None:
    """What marketing is told of an answer; a survey request is none of its business."""
    response, profile, account = facts.response, facts.profile, facts.account
    if response is None:
        return None
    return Content(
        campaign=action.campaign,
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


def connect(settings: Settings) -> Marketing | str:
    """The receiver at the configured address."""
    if settings.url is None:
        return "MARKETING_URL is not set"
    if settings.secret is None:
        return "MARKETING_SECRET is not set"
    return Marketing(settings, settings.url, Webhook(settings.secret.get_secret_value()))


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
