"""`customer.accounts.v1`: the companies our customers' people belong to. Compacted; full state."""

from datetime import date, datetime
from typing import ClassVar

from pydantic import Field

from schemas.event import NAMESPACE, Event, UtcDatetime, derived_id


class AccountChanged(Event):
    """An account's full state after a change."""

    TOPIC: ClassVar[str] = "customer.accounts.v1"
    TYPE: ClassVar[str] = "customer.account.changed.v1"

    account_id: str = Field(min_length=1, max_length=256)
    """The company's own id of the account."""
    version: int = Field(ge=1)
    """Row version; a lower one is ignored."""
    changed_at: UtcDatetime
    """When this state was written, UTC."""
    name: str | None = Field(default=None, max_length=256)
    """Display name."""
    owner_email: str | None = Field(default=None, max_length=320)
    """The account owner in sales."""
    csm_email: str | None = Field(default=None, max_length=320)
    """The customer success manager."""
    segment: str | None = Field(default=None, max_length=64)
    """E.g. enterprise, smb."""
    stage: str | None = Field(default=None, max_length=64)
    """Lifecycle stage of the account."""
    arr: float | None = Field(default=None, ge=0)
    """Annual recurring revenue, in `currency`."""
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    """ISO 4217."""
    renewal_date: date | None = None
    """Next renewal, a date in the account's own calendar."""
    health: str | None = Field(default=None, max_length=64)
    """As a customer-success platform names it, e.g. green."""
    salesforce_id: str | None = Field(default=None, max_length=18)
    """Id of the Account record in Salesforce."""
    traits: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Further facts that rules and programs may use."""

    def event_key(self) -> str:
        """The account."""
        return self.account_id

    def event_id(self) -> str:
        """Of the account and the row version."""
        return str(derived_id(NAMESPACE, "account", self.account_id, self.version))

    def event_time(self) -> datetime:
        """When it changed."""
        return self.changed_at
