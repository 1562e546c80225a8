"""A follow-up: the promise that the person behind an answer hears from somebody. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.event import derived_id

FOLLOW_UP_NAMESPACE = UUID("5f0a7c1e-3f0d-5c59-8a39-0f1b7e5d2c42")
MAX_HOURS = 2000
"""The longest target: a year of working days."""

Hours = Annotated[float, Field(gt=0, le=MAX_HOURS)]


class State(StrEnum):
    """How far a follow-up has come."""

    OPEN = "open"
    CLAIMED = "claimed"
    CONTACTED = "contacted"
    RESOLVED = "resolved"


UNRESOLVED = (State.OPEN, State.CLAIMED, State.CONTACTED)


class Resolution(StrEnum):
    """How it ended for the customer."""

    FIXED = "fixed"
    TAUGHT = "taught"
    PLANNED = "planned"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"


class Target(StrEnum):
    """What has to happen by a time."""

    CONTACT = "contact"
    RESOLVE = "resolve"


class FollowUpTerms(BaseModel):
    """`follow_up:` of a rule. Hours are business hours of the owner's calendar."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    team: str = Field(min_length=1, max_length=64)
    """Id of the team in people.yaml that is responsible."""
    first_contact_hours: Hours
    """Until the customer has heard from somebody."""
    resolve_hours: Hours
    """Until it is resolved."""
    remind_before_hours: Annotated[float, Field(ge=0, le=MAX_HOURS)] = 1.0
    """How long before a target its owner is reminded."""
    escalate_after_hours: Annotated[float, Field(ge=0, le=MAX_HOURS)] = 2.0
    """How long after a missed target the owner's manager is told."""

    @model_validator(mode="after")
    def _in_order(self) -> "FollowUpTerms":
        if self.resolve_hours < self.first_contact_hours:
            raise ValueError("resolve_hours is shorter than first_contact_hours")
        return self


@dataclass(frozen=True, slots=True)
class FollowUpWanted:
    """That a rule asks for a follow-up. `owner_id` None: the team's default, or whoever claims it."""

    rule: str
    terms: FollowUpTerms
    owner_id: str | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """When contact and resolution are due, business time."""

    first_contact_due_at: datetime
    resolve_due_at: datetime


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A follow-up as it is kept. Owners and actors are ids of people.yaml."""

    id: UUID
    subject: str
    person_key: str
    account_id: str | None
    rule: str
    terms: FollowUpTerms
    team: str
    owner_id: str | None
    state: State
    opened_at: datetime
    targets: Targets
    traceparent: str
    claimed_at: datetime | None = None
    contacted_at: datetime | None = None
    contacted_by: str | None = None
    contacted_how: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: Resolution | None = None
    root_cause: str | None = None
    closed_because: str | None = None
    reopened_at: datetime | None = None
    snoozed_until: datetime | None = None
    contact_breached_at: datetime | None = None
    resolve_breached_at: datetime | None = None
    version: int = 1

    def is_met(self, target: Target) -> bool:
        """Whether nothing is left to do for this target."""
        if self.state is State.RESOLVED:
            return True
        return target is Target.CONTACT and self.contacted_at is not None

    @property
    def is_taken_up(self) -> bool:
        """Whether a colleague has it in hand, or has brought it to its end."""
        return self.state in (State.CLAIMED, State.CONTACTED) or self.resolution is not None

    def due_at(self, target: Target) -> datetime:
        """When the target is due."""
        is_contact = target is Target.CONTACT
        return self.targets.first_contact_due_at if is_contact else self.targets.resolve_due_at

    @property
    def next_due_at(self) -> datetime:
        """The target that is owed next."""
        return self.due_at(Target.CONTACT if self.contacted_at is None else Target.RESOLVE)

    def breached_at(self, target: Target) -> datetime | None:
        """When it was recorded that the target was missed."""
        return self.contact_breached_at if target is Target.CONTACT else self.resolve_breached_at


class FollowUpView(BaseModel):
    """What a destination may show of a follow-up; it rides on the call, the answer's content does not."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    subject: str
    state: State
    owner_id: str | None
    owner_name: str | None
    owner_email: str | None = None
    owner_slack_user: str | None = None
    owner_salesforce_user: str | None = None
    owner_booking_url: str | None = None
    team: str
    first_contact_due_at: datetime
    resolve_due_at: datetime
    contact_breached: bool
    resolve_breached: bool
    contacted_at: datetime | None = None
    contacted_how: str | None = None
    snoozed_until: datetime | None = None
    resolution: Resolution | None = None
    root_cause: str | None = None
    closed_because: str | None = None
    resolved_at: datetime | None = None
    reopened_at: datetime | None = None
    version: int


def follow_up_id(subject: str) -> UUID:
    """The id that the follow-up of a subject has for ever."""
    return derived_id(FOLLOW_UP_NAMESPACE, subject)
