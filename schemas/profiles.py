"""`customer.profiles.v1`: who a person is. Compacted; every record is the full state."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from pydantic import Field

from schemas.event import NAMESPACE, Contract, Event, PersonKey, UtcDatetime, derived_id


class Consent(Contract):
    """Something a person agreed to, with the words they saw."""

    topic: str = Field(min_length=1, max_length=64)
    """What it allows, e.g. reference, case_study."""
    wording: str = Field(max_length=2_000)
    """The sentence the person agreed to."""
    given_at: UtcDatetime
    """When, UTC."""


class OptOut(Contract):
    """A survey a person does not want; `program` null means none at all."""

    program: str | None = Field(default=None, max_length=64)
    """Null means every program."""
    reason: str = Field(default="asked", max_length=64)
    """E.g. asked, bounced, complained."""
    since: UtcDatetime
    """When, UTC."""


class ProfileChanged(Event):
    """A person's full state after a change. A record without a value (tombstone) means erased."""

    TOPIC: ClassVar[str] = "customer.profiles.v1"
    TYPE: ClassVar[str] = "customer.profile.changed.v1"

    person_key: PersonKey
    """The person."""
    version: int = Field(ge=1)
    """Row version; a lower one is ignored."""
    changed_at: UtcDatetime
    """When this state was written, UTC."""
    customer_id: str | None = Field(default=None, max_length=256)
    """The company's own id of the person."""
    aliases: tuple[str, ...] = ()
    """Other person keys of this person."""
    merged_from: tuple[str, ...] = ()
    """Keys that were folded into this one."""
    merged_into: str | None = None
    """Set on the last record of a key that was folded into another."""
    email: str | None = Field(default=None, max_length=320)
    """Normalised address."""
    name: str | None = Field(default=None, max_length=256)
    """Display name."""
    phone: str | None = Field(default=None, max_length=64)
    """As the source wrote it."""
    language: str | None = Field(default=None, max_length=35)
    """BCP 47 tag."""
    time_zone: str | None = Field(default=None, max_length=64)
    """IANA name."""
    account_id: str | None = Field(default=None, max_length=256)
    """The account the person belongs to."""
    role: str | None = Field(default=None, max_length=64)
    """E.g. key_contact, end_user, buyer."""
    segment: str | None = Field(default=None, max_length=64)
    """E.g. enterprise, smb."""
    cohort: str | None = Field(default=None, max_length=64)
    """E.g. annual, quarterly."""
    stage: str | None = Field(default=None, max_length=64)
    """Lifecycle stage, e.g. prospect, new_customer, renewal, advocate, lost."""
    products: tuple[str, ...] = ()
    """Products the person uses."""
    traits: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Further facts that rules and programs may use."""
    consents: tuple[Consent, ...] = ()
    """What the person agreed to."""
    opt_outs: tuple[OptOut, ...] = ()
    """Surveys the person does not want."""
    internal: bool = False
    """An employee or a test person: never asked, never counted."""

    def event_key(self) -> str:
        """The person."""
        return self.person_key

    def event_id(self) -> str:
        """Of the person and the row version."""
        return str(derived_id(NAMESPACE, "profile", self.person_key, self.version))

    def event_time(self) -> datetime:
        """When it changed."""
        return self.changed_at

    def opted_out_of(self, program: str | None) -> bool:
        """Whether this person refuses surveys of a program, or all of them."""
        return any(out.program is None or out.program == program for out in self.opt_outs)


@dataclass(frozen=True, slots=True)
class ProfileErased:
    """What a record without a value means: the person and what was received of them are forgotten."""

    person_key: str
    erased_at: datetime
    """When the record was written, UTC."""
