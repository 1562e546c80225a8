"""Faults the doubles can be told to commit: which call is hit is drawn from a seeded generator."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from random import Random

from pydantic import BaseModel, ConfigDict, Field


class Double(StrEnum):
    """The outside services on offer."""

    SLACK = "slack"
    SALESFORCE = "salesforce"
    MAIL = "mail"
    MARKETING = "marketing"
    HEALTH = "health"
    WEBHOOK = "webhook"
    JIRA = "jira"


class Kind(StrEnum):
    """What goes wrong with a call."""

    RATE_LIMITED = "rate_limited"  # refused with 429 and Retry-After (SMTP: 450); nothing applied
    REFUSED = "refused"  # refused with `code` as the service words it; nothing applied
    SERVER_ERROR = "server_error"  # refused with `status` (SMTP: 451); nothing applied
    HANG = "hang"  # held for `seconds`, then closed without an answer; nothing applied
    DROP_ANSWER = "drop_answer"  # applied, then closed without an answer
    LATE = "late"  # applied after `seconds`, hidden from reads for `hidden_seconds`, then answered


class FaultRequest(BaseModel):
    """One fault as it is ordered over HTTP."""

    model_config = ConfigDict(extra="forbid")

    double: Double
    kind: Kind
    probability: float = Field(1.0, gt=0, le=1, description="Share of matching calls that are hit.")
    count: int | None = Field(
        None, gt=0, description="Calls to hit before the fault ends; none: until removed."
    )
    seconds: float = Field(
        5.0, ge=0, le=600, description="Retry-After, length of the hang, or delay of the effect."
    )
    hidden_seconds: float = Field(
        10.0, ge=0, le=600, description="How long a late effect stays out of reads."
    )
    status: int = Field(503, ge=500, le=599, description="Answer of `server_error`.")
    code: str = Field(
        "internal_error", description="Error code of `refused`, e.g. UNABLE_TO_LOCK_ROW.", max_length=64
    )
    operations: tuple[str, ...] = Field(
        (), description="Only calls whose name starts with one of these, e.g. `chat.postMessage`; empty: all."
    )
    seed: int = Field(0, description="Seed of the draw, so that a run can be repeated.")


@dataclass
class Fault:
    """An ordered fault and how often it has struck."""

    fault_id: int
    order: FaultRequest
    random: Random = field(repr=False)
    hits: int = 0

    @property
    def spent(self) -> bool:
        """Whether the ordered count is used up."""
        return self.order.count is not None and self.hits >= self.order.count

    def strikes(self, double: Double, operation: str) -> bool:
        """Draw for one call. Calls that do not match consume no draw, so a seed gives the same run again."""
        if double != self.order.double or self.spent:
            return False
        if self.order.operations and not operation.startswith(self.order.operations):
            return False
        return self.random.random() < self.order.probability


class FaultBoard:
    """The faults in force, in the order they were set; the first that strikes a call wins."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._faults: dict[int, Fault] = {}

    def add(self, order: FaultRequest) -> Fault:
        """Put a fault in force."""
        # Random is what a reproducible fault needs; no secret is drawn from it.
        fault = Fault(next(self._ids), order, Random(order.seed))  # noqa: S311 - a repeatable fault
        self._faults[fault.fault_id] = fault
        return fault

    def remove(self, fault_id: int) -> bool:
        """Lift one fault; false if there is none of this id."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Lift every fault."""
        self._faults.clear()

    def draw(self, double: Double, operation: str) -> FaultRequest | None:
        """Decide what happens to this call; `None` means it goes through."""
        for fault in self._faults.values():
            if fault.strikes(double, operation):
                fault.hits += 1
                return fault.order
        return None

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._faults.values()))
