"""`feedback.outcomes.v1`: what was done about an answer."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from schemas.event import Contract, Event, PersonKey, UtcDatetime


class OutcomeKind(StrEnum):
    """What happened to an answer or its follow-up."""

    PLANNED = "planned"
    DELIVERED = "delivered"
    WITHHELD = "withheld"
    FAILED = "failed"
    OPENED = "opened"
    CLAIMED = "claimed"
    REASSIGNED = "reassigned"
    CONTACTED = "contacted"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    SLA_BREACHED = "sla_breached"
    REPLIED = "replied"
    ADVOCACY_CHANGED = "advocacy_changed"


class PlannedEffect(Contract):
    """Something that is to come to be outside; from then on it has outcomes of its own."""

    effect_id: UUID
    """The effect in the delivery ledger."""
    rule: str = Field(max_length=64)
    """Id of the rule that asked for it."""
    action: str = Field(max_length=64)
    """Id of the rule's action."""
    destination: str = Field(max_length=64)
    """Name of the destination."""


class FollowUpSnapshot(Contract):
    """A follow-up as what happened left it. It is open until it has `resolved_at`."""

    version: int = Field(ge=1)
    """Raised by every change: of two snapshots the higher one holds."""
    owner: str | None = Field(default=None, max_length=64)
    """Configured name of who has it; null while nobody does."""
    team: str = Field(max_length=64)
    """Configured name of the team that is responsible."""
    opened_at: UtcDatetime
    """When it was opened for the first time, UTC."""
    first_contact_due_at: UtcDatetime
    """By when the customer is to have heard from somebody, UTC."""
    resolve_due_at: UtcDatetime
    """By when it is to be resolved, UTC."""
    claimed_at: UtcDatetime | None = None
    """When somebody took it, UTC."""
    contacted_at: UtcDatetime | None = None
    """When the customer first heard from somebody since it was opened or reopened, UTC."""
    resolved_at: UtcDatetime | None = None
    """When it ended, UTC."""


class OutcomeRecorded(Event):
    """One step of the closed loop."""

    TOPIC: ClassVar[str] = "feedback.outcomes.v1"
    TYPE: ClassVar[str] = "feedback.outcome.recorded.v1"

    outcome_id: UUID
    """The same outcome recorded twice has one id."""
    kind: OutcomeKind
    """What was done."""
    occurred_at: UtcDatetime
    """When it was done, UTC."""
    person_key: PersonKey
    """Whose answer it was."""
    account_id: str | None = Field(default=None, max_length=256)
    """Their account."""
    subject: str = Field(min_length=1, max_length=128)
    """`response:<id>`, `request:<id>` or `digest:<id>`."""
    response_id: UUID | None = None
    """The response; null for a survey request or a digest."""
    rule: str | None = Field(default=None, max_length=64)
    """Id of the rule that asked for it."""
    action: str | None = Field(default=None, max_length=64)
    """Id of the rule's action."""
    destination: str | None = Field(default=None, max_length=64)
    """Name of the destination."""
    effect_id: UUID | None = None
    """The effect in the delivery ledger."""
    planned: tuple[PlannedEffect, ...] = ()
    """Of `planned`: all that planning the subject has added."""
    actor: str | None = Field(default=None, max_length=64)
    """Person key or configured name of who did it; null for the product itself."""
    reason: str | None = Field(default=None, max_length=200)
    """Why it failed, was withheld or was resolved."""
    root_cause: str | None = Field(default=None, max_length=200)
    """What had gone wrong for the customer."""
    follow_up: FollowUpSnapshot | None = None
    """Of what happens to a follow-up (opened to sla_breached): how it stands since."""

    def event_key(self) -> str:
        """The person."""
        return self.person_key

    def event_id(self) -> str:
        """The outcome's own id."""
        return str(self.outcome_id)

    def event_time(self) -> datetime:
        """When it happened."""
        return self.occurred_at
