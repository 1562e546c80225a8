"""How a bulletin stands in the ledger. Pure."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, UrlConstraints
from pydantic.networks import AnyUrl

from schemas.delivery_requests import DeliveryRequested
from services.router.effect import EffectRow, effect_id
from services.router.plugins import AnyPlugin

RULE = "insights:bulletin"
"""Stands where effects name their rule; no rule of the file can be called so."""

UnsubscribeUrl = Annotated[AnyUrl, UrlConstraints(allowed_schemes=["https"], max_length=900)]


class Words(BaseModel):
    """The content of a request, as `schemas.delivery_requests` tells it."""

    model_config = ConfigDict(extra="ignore")

    title: str = Field(min_length=1, max_length=150)
    text: str = Field(min_length=1, max_length=20_000)
    response_id: UUID | None = None
    unsubscribe_url: UnsubscribeUrl | None = None


def subject_of(event: DeliveryRequested) -> str:
    """What the ledger calls it."""
    return f"digest:{event.delivery_id}"


def row_of(
    event: DeliveryRequested,
    traceparent: str,
    plugin: AnyPlugin,
    action: str,
    content: BaseModel,
    *,
    person_key: str,
    order_key: str,
    account_id: str | None = None,
    program: str | None = None,
    not_before: datetime | None = None,
) -> EffectRow:
    """The effect to be written; `not_before` is given where it has to wait."""
    subject = subject_of(event)
    return EffectRow(
        subject=subject,
        action=action,
        effect_id=effect_id(subject, action),
        rule=RULE,
        destination=event.destination,
        person_key=person_key,
        account_id=account_id,
        program=program,
        channel=None,
        received_at=None,
        expires_at=event.expires_at,
        traceparent=traceparent,
        content=content.model_dump_json(),
        is_wanted=True,
        desired_version=1,
        order_key=order_key,
        rate_key=plugin.rate_key(content),
        is_new=True,
        not_before=not_before,
        is_scheduled=not_before is not None,
    )
