"""What listening was worth, reckoned with assumptions that whoever reads it may change."""

from dataclasses import dataclass

from services.insights import retention, saved_store
from services.insights.assumptions import Assumptions
from services.insights.counting import Counting
from services.insights.filters import Filter
from services.insights.retention import Activated, Churn, Conversion
from services.insights.saved import Saved
from services.insights.saved_store import MeanArr
from services.insights.source import Source


@dataclass(frozen=True, slots=True)
class Worth:
    """The figures, with what they were reckoned with."""

    assumed: Assumptions
    told_by: Filter
    """The answers that lie back far enough to know whether their customers stayed."""
    churn: tuple[Churn, ...]
    mean_arr: MeanArr | None
    conversion: Conversion | None
    """None without churn to compare, or without a revenue to reckon with."""
    saved: Saved
    activated: tuple[Activated, ...]

    @property
    def credited(self) -> tuple[tuple[str, float], ...]:
        """Yearly revenue that is put down to contacts, by currency."""
        return tuple(
            (currency, arr * self.assumed.credited_percent / 100) for currency, arr in self.saved.arr
        )


def worth(source: Source, counting: Counting, wanted: Filter, assumed: Assumptions) -> Worth:
    """All of it for the answers that fit. Raises psycopg.OperationalError."""
    today = source.today()
    rows = retention.churn(counting, wanted, assumed.churned_within, today)
    with source.pool.connection() as connection:
        mean = saved_store.mean_arr(connection)
        kept = saved_store.saved(
            connection,
            counting,
            wanted,
            zone=source.zone,
            today=today,
            otherwise_days=assumed.saved_after_days,
        )
    arr = mean.mean if assumed.arr is None and mean else assumed.arr
    return Worth(
        assumed,
        retention.told_by(wanted, assumed.churned_within, today),
        rows,
        mean,
        None if arr is None else retention.conversion(rows, arr),
        kept,
        retention.activated(counting, wanted),
    )
