"""Where figures come from, and which day it is there."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from runtime.clock import Clock
from runtime.postgres import Pool
from services.insights.counting import Counting
from services.insights.image import Images


class Source:
    """What pages and API ask; days are those of `zone`."""

    def __init__(self, *, pool: Pool, clock: Clock, zone: ZoneInfo) -> None:
        self.pool = pool
        self.zone = zone
        self._clock = clock
        self.images = Images(pool)

    def now(self) -> datetime:
        """What the business clock says, UTC."""
        return self._clock.now()

    def today(self) -> date:
        """The day that it is in the reporting time zone."""
        return self.now().astimezone(self.zone).date()

    def counting(self) -> Counting:
        """Counts what stands there now. Raises psycopg.OperationalError."""
        return Counting(self.images.newest())
