"""One delivery, decided: which call an effect needs now, and what follows from its result. Pure.

What is wanted and what is known of the outside are compared when an effect is claimed, never earlier, so a
replay, a late revision or a crash all lead to the same place.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.router.destination import (
    Absent,
    AfterAmbiguity,
    Ambiguous,
    Delivered,
    Failed,
    Found,
    Operation,
    Result,
    Retry,
    Skipped,
    Traits,
)

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 3600.0
GIVE_UP_AFTER = timedelta(days=3)
PARENT_SECONDS = 5.0
"""A child whose parent is not there yet looks again after that, unless its parent wakes it."""


class Outside(StrEnum):
    """What is known of an effect's object in the destination."""

    ABSENT = "absent"
    PRESENT = "present"
    RETRACTED = "retracted"
    UNKNOWN = "unknown"
    """A call may have made it."""


class Status(StrEnum):
    """Where an effect stands, for people."""

    SCHEDULED = "scheduled"
    """Its time has not come; nothing is pending."""
    PENDING = "pending"
    DELIVERED = "delivered"
    RETRACTED = "retracted"
    WITHHELD = "withheld"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Effect:
    """A claimed effect: what is wanted, what is known outside, and how its calls went so far.

    `first_failed_at` is when the present run of failures began, on the database's clock.
    """

    is_wanted: bool
    desired_version: int
    sent_version: int
    outside: Outside
    external_id: str | None
    failures: int = 0
    first_failed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """An effect after a call, or after it turned out that none is needed.

    `due_in_seconds` None: nothing is left to do for the version that was sent. `outcome` is set when the
    call settled something that the rest of the product should hear of.
    """

    effect: Effect
    status: Status
    due_in_seconds: float | None
    reason: str | None = None
    outcome: Status | None = None


def in_doubt(effect: Effect) -> Effect:
    """The effect after a lease that nobody completed, whose call may have made its object or brought it back.

    What was there is updated or retracted again by its name. A lost retraction leaves no doubt: it is simply
    made again.
    """
    is_named = effect.outside in {Outside.PRESENT, Outside.RETRACTED}
    return replace(effect, outside=Outside.PRESENT if is_named else Outside.UNKNOWN)


def attempt(effect: Effect, traits: Traits) -> Operation | None:
    """The call the effect needs now; None when what is outside is what is wanted, or cannot be changed."""
    may_repeat = traits.after_ambiguity is AfterAmbiguity.REPEAT
    if effect.outside is Outside.UNKNOWN and not may_repeat:
        return Operation.RECONCILE if traits.after_ambiguity is AfterAmbiguity.RECONCILE else None
    if not effect.is_wanted:
        may_stand = effect.outside in {Outside.PRESENT, Outside.UNKNOWN}
        return Operation.RETRACT if may_stand and traits.updates else None
    if effect.outside is Outside.UNKNOWN:
        return Operation.CREATE
    if effect.outside is Outside.ABSENT:
        return Operation.CREATE
    is_stale = effect.sent_version < effect.desired_version or effect.outside is Outside.RETRACTED
    return Operation.UPDATE if is_stale and traits.updates else None


def decide(effect: Effect, traits: Traits, *, refused: str | None, is_early: bool) -> Operation | Next:
    """What a claimed effect needs: a call, or to be put where it belongs without one.

    `refused` says why it must not be delivered; `is_early`: the object it lives in does not exist yet.
    """
    operation = attempt(effect, traits)
    if operation is None and effect.outside is Outside.UNKNOWN:
        # What may have been sent counts as sent, whatever has been forbidden since.
        return rest(effect, traits)
    if refused is not None:
        return withhold(effect, refused)
    if is_early:
        return postpone(effect, PARENT_SECONDS)
    return operation or rest(effect, traits)


def rest(effect: Effect, traits: Traits) -> Next:
    """What becomes of an effect that needs no call."""
    if effect.outside is Outside.UNKNOWN and traits.after_ambiguity is AfterAmbiguity.ASSUME_DELIVERED:
        assumed = replace(effect, outside=Outside.PRESENT, sent_version=effect.desired_version)
        return Next(assumed, Status.DELIVERED, None, "assumed_delivered", Status.DELIVERED)
    settled = replace(effect, sent_version=effect.desired_version)
    if effect.outside is not Outside.PRESENT:
        return Next(settled, Status.RETRACTED, None)
    is_news = effect.sent_version == 0
    return Next(settled, Status.DELIVERED, None, None, Status.DELIVERED if is_news else None)


def postpone(effect: Effect, pause_seconds: float) -> Next:
    """A claimed effect whose call was not started."""
    return Next(effect, Status.PENDING, pause_seconds)


def withhold(effect: Effect, reason: str) -> Next:
    """An effect that must not be delivered: it ends here, and no switch makes it fire later."""
    settled = replace(effect, sent_version=effect.desired_version)
    return Next(settled, Status.WITHHELD, None, reason, Status.WITHHELD)


def settle(
    effect: Effect,
    operation: Operation,
    result: Result | Found | Absent,
    *,
    traits: Traits,
    now: datetime,
    jitter: float,
) -> Next:
    """The effect after `operation` ended with `result`.

    `now` is on the database's clock. `jitter` is between 0 and 1 and spreads retries over the second half
    of their pause.
    """
    match result:
        case Delivered(external_id):
            return _delivered(effect, operation, external_id)
        case Found() | Absent():
            return Next(_seen(effect, result), Status.PENDING, 0.0)
        case Skipped(reason):
            return withhold(effect, reason)
        case Failed(cause):
            settled = replace(effect, sent_version=effect.desired_version)
            return Next(settled, Status.FAILED, None, cause, Status.FAILED)
        case Retry(cause, retry_after_seconds):
            return _again(
                effect, cause, now, max(_backoff(effect.failures, jitter), retry_after_seconds or 0)
            )
        case Ambiguous(cause):
            pause_seconds = _backoff(effect.failures, jitter)
            return _ambiguous(effect, operation, cause, traits=traits, now=now, pause_seconds=pause_seconds)


def _delivered(effect: Effect, operation: Operation, external_id: str | None) -> Next:
    is_retraction = operation is Operation.RETRACT
    # What was retracted in doubt may never have been there: if it is wanted again, it is made anew.
    gone = Outside.ABSENT if effect.outside is Outside.UNKNOWN else Outside.RETRACTED
    settled = replace(
        effect,
        outside=gone if is_retraction else Outside.PRESENT,
        external_id=external_id or effect.external_id,
        sent_version=effect.desired_version,
        failures=0,
        first_failed_at=None,
    )
    if is_retraction:
        return Next(settled, Status.RETRACTED, None)
    is_news = operation is Operation.CREATE or effect.sent_version == 0
    return Next(settled, Status.DELIVERED, None, None, Status.DELIVERED if is_news else None)


def _seen(effect: Effect, sighting: Found | Absent) -> Effect:
    if isinstance(sighting, Found):
        return replace(effect, outside=Outside.PRESENT, external_id=sighting.external_id)
    return replace(effect, outside=Outside.ABSENT)


def _ambiguous(
    effect: Effect, operation: Operation, cause: str, *, traits: Traits, now: datetime, pause_seconds: float
) -> Next:
    if operation is Operation.RECONCILE:
        return _again(effect, cause, now, pause_seconds)
    # The lost call may still arrive: whatever follows it comes after it.
    pause_seconds = max(pause_seconds, traits.settle_seconds)
    if operation is not Operation.CREATE:
        # Updating and retracting name their object: doing them twice is doing them once. Only an update may
        # have brought back what was retracted.
        stands = replace(effect, outside=Outside.PRESENT) if operation is Operation.UPDATE else effect
        return _again(stands, cause, now, pause_seconds)
    unknown = replace(effect, outside=Outside.UNKNOWN)
    if traits.after_ambiguity is AfterAmbiguity.ASSUME_DELIVERED:
        return rest(unknown, traits)
    return _again(unknown, cause, now, pause_seconds)


def _again(effect: Effect, cause: str, now: datetime, pause_seconds: float) -> Next:
    began = effect.first_failed_at or now
    if now - began >= GIVE_UP_AFTER:
        dead = replace(effect, sent_version=effect.desired_version)
        return Next(dead, Status.FAILED, None, f"gave up after three days: {cause}", Status.FAILED)
    failed = replace(effect, failures=effect.failures + 1, first_failed_at=began)
    return Next(failed, Status.PENDING, pause_seconds, cause)


def _backoff(failures: int, jitter: float) -> float:
    """Seconds: doubles from one second to an hour; the second half of each pause is random."""
    longest = min(FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 20), LONGEST_BACKOFF_SECONDS)
    return longest * (0.5 + 0.5 * jitter)
