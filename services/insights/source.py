"""Where figures come from, and which day it is there."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from runtime.clock import Clock
from runtime.postgres import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What pages and API ask; days are those of `zone`."""

    pool: Pool
    clock: Clock
    zone: ZoneInfo

    def today(self) -> date:
        """The day that it is in the reporting time zone."""
        return self.clock.now().astimezone(self.zone).date()
