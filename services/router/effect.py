"""An effect: one object outside that a rule asks for, as planning and the ledger pass it on. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from schemas.event import derived_id
from services.router.destination import JsonObject

EFFECT_NAMESPACE = UUID("0d9b4c57-6d0e-5b53-9d0f-6f1f6f1f8a11")
PEOPLE = "slack:people"
"""Stands where effects name their rule, for what a colleague asked for. No rule of the file can be called so,
and none withdraws it.
"""


def effect_id(subject: str, action: str) -> UUID:
    """The id an effect has for ever, also outside: UUIDv5 (RFC 9562) of subject and action."""
    return derived_id(EFFECT_NAMESPACE, subject, action)


class Parent(NamedTuple):
    """Names an effect."""

    subject: str
    action: str


class Wanted(NamedTuple):
    """An object outside that a matching rule asks for."""

    rule: str
    action: str
    destination: str
    content: str
    """The plug-in's `Content` as JSON."""
    order_key: str
    rate_key: str
    not_before: datetime | None = None
    """Business time before which it is not sent; None is at once."""
    ends_on: tuple[str, ...] = ()
    """What ends it before it was ever sent: reply, claim, new_answer, opt_out, lifecycle:<moment>."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What the ledger holds of an effect, as far as planning needs it."""

    action: str
    rule: str
    destination: str
    is_wanted: bool
    is_outside: bool
    """Whether an object exists outside, or may exist."""
    content: JsonObject
    has_ended: bool = False
    """Whether something ended it before it was sent; nothing brings it back."""
    repeats: str | None = None
    """The action whose object it shows in another place as well, and follows; None: it repeats none."""


class EffectRow(NamedTuple):
    """An effect to be written. Order and rate key are those of the latest content."""

    subject: str
    action: str
    effect_id: UUID
    rule: str
    destination: str
    person_key: str
    account_id: str | None
    program: str | None
    channel: str | None
    received_at: datetime | None
    expires_at: datetime | None
    traceparent: str
    content: str
    """The plug-in's `Content` as JSON."""
    is_wanted: bool
    desired_version: int
    order_key: str
    rate_key: str
    is_new: bool
    not_before: datetime | None = None
    is_scheduled: bool = False
    """Whether `not_before` is still to come."""
    ends_on: tuple[str, ...] = ()
    parent: Parent | None = None
    repeats: str | None = None


@dataclass(frozen=True, slots=True)
class StoredEffect:
    """An effect as planning finds it."""

    effect_id: UUID
    desired_version: int
    order_key: str
    rate_key: str
    known: Effect
    not_before: datetime | None = None
    is_child: bool = False
    is_pending: bool = False
    """A call for it may be under way."""
