"""What the ledger's parts speak of: effects that were claimed, what became of them, and lanes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.router.attempt import Effect, Next
from services.router.clearance import Standing
from services.router.destination import JsonObject
from services.router.follow_up import FollowUp

_BELOW = "below:"

PLANS_BY_KEY = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
"""PostgreSQL settings of the ledger's connections.

Every statement looks up a batch of keys through an index. Prepared while a table is small (a month's new
partition of attempts), PostgreSQL would plan to read it whole, and keep to that while it grows.
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A leased effect with all that the call, its outcome and its metrics need."""

    effect_id: UUID
    subject: str
    action: str
    rule: str
    rate_key: str
    person_key: str
    account_id: str | None
    channel: str | None
    received_at: datetime | None
    traceparent: str
    content: JsonObject
    lease: UUID
    leased_at: datetime
    is_in_doubt: bool
    effect: Effect
    standing: Standing
    parent_id: str | None = None
    follow_up: FollowUp | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """What became of a claimed effect. `result` is set when a call was noted, and names what it gave.

    `review` names records outside among which a person has to choose.
    """

    claimed: Claimed
    next: Next
    result: str | None = None
    cause: str | None = None
    review: tuple[str, ...] = ()


def is_lane(order_key: str) -> bool:
    """Whether an order key is that of an effect's children."""
    return order_key.startswith(_BELOW)


def lane_below(parent: UUID) -> str:
    """The order key of an effect's children.

    It is their own: a child that waits for its parent must not stand in the parent's way.
    """
    return f"{_BELOW}{parent}"
