"""Days after somebody got in touch about an answer and closed the matter: did we win them back?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from services.scheduler.facts import Occasion
from services.scheduler.triggers import Asking, BaseTrigger

MOMENT = "follow_up_resolved"
_MOMENTS = frozenset({MOMENT})


class Trigger(BaseTrigger):
    """A follow-up was resolved, and a delay."""

    KEY: ClassVar[str] = "follow_up"

    follow_up: Literal["resolved"]
    delay_days: int = Field(default=30, ge=0, le=730)

    @property
    def moments(self) -> frozenset[str]:
        """The one that ends a follow-up."""
        return _MOMENTS

    @property
    def delay(self) -> timedelta:
        """The days of the file."""
        return timedelta(days=self.delay_days)

    def occasions(self, asking: Asking) -> Iterator[Occasion]:
        """Each follow-up of the person that is resolved."""
        for happened in asking.happenings:
            if happened.moment == MOMENT and happened.occurred_at >= asking.since:
                yield happened.occasion()
