"""Days before an account's renewal, while there is time to put right what speaks against it."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import ClassVar

from pydantic import Field

from schemas.event import NAMESPACE, derived_id
from services.scheduler.facts import Occasion
from services.scheduler.triggers import Asking, BaseTrigger


class Trigger(BaseTrigger):
    """The account's next renewal, and how long before it."""

    KEY: ClassVar[str] = "before_renewal_days"

    before_renewal_days: int = Field(ge=1, le=365)

    @property
    def most_ask_within(self) -> timedelta:
        """Until the renewal itself."""
        return timedelta(days=self.before_renewal_days)

    def occasions(self, asking: Asking) -> Iterator[Occasion]:
        """The renewal that the account has now; another date is another occasion."""
        account = asking.person.account
        if account is None or account.renewal_date is None or not asking.is_contact:
            return
        day = account.renewal_date - timedelta(days=self.before_renewal_days)
        begins = datetime.combine(day, time.min, asking.zone)
        if begins >= asking.since:
            context = {"renewal_date": account.renewal_date.isoformat()}
            yield Occasion(
                derived_id(NAMESPACE, "renewal", account.id, account.renewal_date), begins, context
            )
