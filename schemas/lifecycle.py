"""`customer.lifecycle.v1`: moments in a customer's life."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field, model_validator

from schemas.event import NAMESPACE, Event, PersonKey, UtcDatetime, derived_id
from schemas.responses import Order


class Moment(StrEnum):
    """What happened."""

    LEAD_CAPTURED = "lead_captured"
    TRIAL_STARTED = "trial_started"
    SIGNED_UP = "signed_up"
    TRIAL_ENDED = "trial_ended"
    PURCHASED = "purchased"
    ONBOARDING_COMPLETED = "onboarding_completed"
    MILESTONE = "milestone"
    PLAYBOOK_COMPLETED = "playbook_completed"
    SUPPORT_CASE_CLOSED = "support_case_closed"
    RELEASE_USED = "release_used"
    RENEWED = "renewed"
    STAGE_CHANGED = "stage_changed"
    CHURNED = "churned"
    HEALTH_CHANGED = "health_changed"
    OUTCOME_CHANGED = "outcome_changed"
    RELEASE_LAUNCHED = "release_launched"


class LifecycleEventOccurred(Event):
    """Something happened to a person, an account or everybody; a later record may correct or retract it."""

    TOPIC: ClassVar[str] = "customer.lifecycle.v1"
    TYPE: ClassVar[str] = "customer.lifecycle.occurred.v1"

    lifecycle_id: UUID
    """UUIDv5 of the source's name and the source's own id."""
    source: str = Field(min_length=1, max_length=64)
    """Configured name of where it came from."""
    source_id: str = Field(min_length=1, max_length=256)
    """The source's own id of the moment."""
    order: Order
    """Which of two records of this moment is newer."""
    moment: Moment
    """What happened."""
    occurred_at: UtcDatetime
    """When it happened, UTC."""
    received_at: UtcDatetime
    """When ingest first had it, UTC."""
    person_key: PersonKey | None = None
    """To whom it happened; null for an account's or a company-wide moment."""
    account_id: str | None = Field(default=None, max_length=256)
    """The account it concerns."""
    retracted: bool = False
    """It never happened: a cancelled purchase, a test."""
    context: dict[str, str] = Field(default_factory=dict)
    """Travels on to the survey request and the response, e.g. a case id or a release."""

    @model_validator(mode="after")
    def _has_subject(self) -> "LifecycleEventOccurred":
        company_wide = self.moment is Moment.RELEASE_LAUNCHED
        if self.person_key is None and self.account_id is None and not company_wide:
            raise ValueError(f"{self.moment} needs a person or an account")
        return self

    def event_key(self) -> str:
        """The person, else the account, else the moment itself (company-wide)."""
        return self.person_key or self.account_id or self.moment.value

    def event_id(self) -> str:
        """Of the lifecycle event and its order."""
        return str(derived_id(self.lifecycle_id, *self.order.key()))

    def event_time(self) -> datetime:
        """When it happened."""
        return self.occurred_at


def lifecycle_id(source: str, source_id: str) -> UUID:
    """The id a lifecycle event has for ever: of its source's configured name and the source's own id."""
    return derived_id(NAMESPACE, "lifecycle", source, source_id)
