"""What a decision about one person and one occasion is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from runtime.business_hours import Calendar
from runtime.expressions import Condition

Trait = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Account:
    """What the scheduler knows of a company that people belong to."""

    id: str
    renewal_date: date | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    """What audiences may test: see `audience.AccountFacts`."""


@dataclass(frozen=True, slots=True)
class Person:
    """What the scheduler knows of a person; no name and no address."""

    key: str
    channels: frozenset[str] = frozenset()
    """Channels on which this person can be reached."""
    bounced: frozenset[str] = frozenset()
    """Channels whose present address refused a survey."""
    refuses_all: bool = False
    refuses: frozenset[str] = frozenset()
    """Programs this person does not want."""
    unsubscribed_at: datetime | None = None
    erased_at: datetime | None = None
    internal: bool = False
    """An employee or a test person."""
    last_contact_at: datetime | None = None
    """The fatigue clock: the last survey sent or shown, or answer that came in unasked."""
    account: Account | None = None
    language: str = "en"
    time_zone: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    """What audiences may test: see `audience.ProfileFacts`."""
    purchases: int = 0
    """Purchases that stand, the person's own and the account's."""
    first_purchase_at: datetime | None = None

    @property
    def account_id(self) -> str | None:
        """The account's id, None without one."""
        return self.account.id if self.account else None

    @property
    def segment(self) -> str | None:
        """The person's own segment, else the account's."""
        own = self.facts.get("segment") or (self.account and self.account.facts.get("segment"))
        return str(own) if own else None


class Occasion(NamedTuple):
    """Something that happened to a person, or a date that came, and is a reason to ask."""

    id: UUID
    occurred_at: datetime
    context: Mapping[str, str] = MappingProxyType({})
    moment: str = ""
    """What happened, in the words of lifecycle events; empty for a date."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A time in which nobody is asked: a release freeze, an outage."""

    begins: datetime
    ends: datetime
    why: str


@dataclass(frozen=True, slots=True)
class AccountLimit:
    """How many people of one account may be asked within how long."""

    people: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Terms:
    """What the programs' file says of everybody, as it applies to one person."""

    gap: timedelta
    """The least time between two surveys of this person."""
    hours: Calendar | None = None
    """When this person may hear from us; None: at any time."""
    quiet: tuple[Quiet, ...] = ()
    quiet_while: Condition | None = None
    """This person is left alone while it holds."""
    hold_out_percent: float = 0
    daily_cap: int | None = None
    account_limit: AccountLimit | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another survey that is planned for the same person."""

    program: str
    priority: int
    due_at: datetime
    gives_up_at: datetime


@dataclass(frozen=True, slots=True)
class Around:
    """What was asked of this person and of others so far."""

    asked_by: frozenset[str] = frozenset()
    """Programs that asked this person before."""
    waiting: tuple[Waiting, ...] = ()
    account_asked_at: tuple[datetime, ...] = ()
    """When others of the account were asked lately, oldest first."""
    day: date | None = None
    """The UTC day, and by it the month, that the counts below are of."""
    asked_today: int = 0
    asked_today_by_program: int = 0
    asked_this_month_of_segment: int = 0
    paused_at: datetime | None = None
    """Since when the program is paused."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One person, one occasion."""

    person: Person
    occasion: Occasion
    terms: Terms
    around: Around = Around()
