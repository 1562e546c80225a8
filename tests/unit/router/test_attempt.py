"""The pure decisions of a delivery, alone and against a plain model of the outside world."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.attempt import (
    GIVE_UP_AFTER,
    LONGEST_BACKOFF_SECONDS,
    PARENT_SECONDS,
    Effect,
    Next,
    Outside,
    Status,
    attempt,
    decide,
    in_doubt,
    settle,
    withhold,
)
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
    Traits,
)

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
RECONCILES = Traits(AfterAmbiguity.RECONCILE, updates=True, settle_seconds=15)
REPEATS = Traits(AfterAmbiguity.REPEAT, updates=True)
MAIL = Traits(AfterAmbiguity.ASSUME_DELIVERED, updates=False)

NEW = Effect(is_wanted=True, desired_version=1, sent_version=0, outside=Outside.ABSENT, external_id=None)
STANDING = replace(NEW, sent_version=1, outside=Outside.PRESENT, external_id="x1")


def _settle(effect: Effect, operation: Operation, result: Result | Found | Absent, traits: Traits) -> Next:
    return settle(effect, operation, result, traits=traits, now=NOW, jitter=0.5)


@pytest.mark.parametrize(
    ("effect", "traits", "expected"),
    [
        (NEW, RECONCILES, Operation.CREATE),
        (replace(NEW, is_wanted=False), RECONCILES, None),
        (STANDING, RECONCILES, None),
        (replace(STANDING, desired_version=2), RECONCILES, Operation.UPDATE),
        (replace(STANDING, desired_version=2), MAIL, None),
        (replace(STANDING, desired_version=2, is_wanted=False), RECONCILES, Operation.RETRACT),
        (replace(STANDING, desired_version=2, is_wanted=False), MAIL, None),
        (replace(STANDING, outside=Outside.RETRACTED), RECONCILES, Operation.UPDATE),
        (replace(NEW, outside=Outside.UNKNOWN), RECONCILES, Operation.RECONCILE),
        (replace(NEW, outside=Outside.UNKNOWN, is_wanted=False), RECONCILES, Operation.RECONCILE),
        (replace(NEW, outside=Outside.UNKNOWN), REPEATS, Operation.CREATE),
        (replace(NEW, outside=Outside.UNKNOWN, is_wanted=False), REPEATS, Operation.RETRACT),
        (replace(NEW, outside=Outside.UNKNOWN), MAIL, None),
    ],
)
def test_the_call_follows_from_what_is_wanted_and_what_is_outside(
    effect: Effect, traits: Traits, expected: Operation | None
) -> None:
    assert attempt(effect, traits) is expected


def test_a_delivery_is_finished_and_announced_once() -> None:
    created = _settle(NEW, Operation.CREATE, Delivered("x1"), RECONCILES)

    assert created.effect == STANDING
    assert (created.status, created.outcome, created.due_in_seconds) == (
        Status.DELIVERED,
        Status.DELIVERED,
        None,
    )
    updated = _settle(replace(STANDING, desired_version=2), Operation.UPDATE, Delivered("x1"), RECONCILES)
    assert updated.effect.sent_version == 2
    assert updated.outcome is None


def test_an_ambiguous_creation_waits_until_it_would_be_visible_before_it_is_looked_for() -> None:
    unclear = _settle(NEW, Operation.CREATE, Ambiguous("timeout"), RECONCILES)

    assert unclear.effect.outside is Outside.UNKNOWN
    assert unclear.due_in_seconds == RECONCILES.settle_seconds
    assert attempt(unclear.effect, RECONCILES) is Operation.RECONCILE


def test_an_ambiguous_mail_counts_as_delivered_and_says_so() -> None:
    assumed = _settle(NEW, Operation.CREATE, Ambiguous("timeout_after_data"), MAIL)

    assert (assumed.status, assumed.reason, assumed.due_in_seconds) == (
        Status.DELIVERED,
        "assumed_delivered",
        None,
    )
    assert assumed.outcome is Status.DELIVERED


@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.UPDATE, Operation.RETRACT])
def test_nothing_follows_a_lost_call_before_that_would_be_visible(operation: Operation) -> None:
    standing = NEW if operation is Operation.CREATE else STANDING
    unclear = _settle(standing, operation, Ambiguous("timeout"), RECONCILES)

    assert unclear.due_in_seconds == RECONCILES.settle_seconds


def test_a_lost_update_may_have_brought_back_what_was_retracted() -> None:
    gone = replace(STANDING, outside=Outside.RETRACTED, is_wanted=False)
    assert attempt(in_doubt(gone), RECONCILES) is Operation.RETRACT
    assert in_doubt(STANDING) == STANDING


def test_what_was_retracted_in_doubt_is_made_anew() -> None:
    doubted = replace(NEW, outside=Outside.UNKNOWN, is_wanted=False)
    gone = _settle(doubted, Operation.RETRACT, Delivered(None), REPEATS)

    assert attempt(replace(gone.effect, is_wanted=True), REPEATS) is Operation.CREATE


def test_a_lost_creation_is_looked_for_before_anything_else() -> None:
    assert attempt(in_doubt(NEW), RECONCILES) is Operation.RECONCILE
    assert attempt(in_doubt(replace(NEW, is_wanted=False)), RECONCILES) is Operation.RECONCILE


def test_the_destination_s_own_pause_is_respected() -> None:
    later = _settle(NEW, Operation.CREATE, Retry("rate_limited", 120), RECONCILES)
    assert later.due_in_seconds == 120
    sooner = _settle(replace(NEW, failures=8), Operation.CREATE, Retry("rate_limited", 2), RECONCILES)
    assert sooner.due_in_seconds is not None
    assert sooner.due_in_seconds > 100


@given(failures=st.integers(0, 200), jitter=st.floats(0, 1))
def test_pauses_grow_to_an_hour_and_never_beyond(failures: int, jitter: float) -> None:
    tried = settle(
        replace(NEW, failures=failures),
        Operation.CREATE,
        Retry("down"),
        traits=RECONCILES,
        now=NOW,
        jitter=jitter,
    )
    longest = min(2.0**failures, LONGEST_BACKOFF_SECONDS)
    assert tried.due_in_seconds is not None
    assert longest / 2 <= tried.due_in_seconds <= longest


def test_three_days_of_failures_are_the_end() -> None:
    began = replace(NEW, failures=90, first_failed_at=NOW - GIVE_UP_AFTER + timedelta(seconds=1))
    assert _settle(began, Operation.CREATE, Retry("down"), RECONCILES).status is Status.PENDING

    over = replace(began, first_failed_at=NOW - GIVE_UP_AFTER)
    dead = _settle(over, Operation.CREATE, Retry("down"), RECONCILES)
    assert (dead.status, dead.outcome, dead.due_in_seconds) == (Status.FAILED, Status.FAILED, None)


def test_reconciling_for_ever_does_not_restart_the_three_days() -> None:
    unknown = replace(NEW, outside=Outside.UNKNOWN, failures=5, first_failed_at=NOW - timedelta(days=2))
    gone = _settle(unknown, Operation.RECONCILE, Absent(), RECONCILES)
    assert (gone.effect.failures, gone.effect.first_failed_at) == (5, unknown.first_failed_at)


def test_what_can_never_succeed_ends_at_once() -> None:
    dead = _settle(NEW, Operation.CREATE, Failed("channel_not_found"), RECONCILES)
    assert (dead.status, dead.reason, dead.due_in_seconds) == (Status.FAILED, "channel_not_found", None)
    assert attempt(dead.effect, RECONCILES) is Operation.CREATE, "a new version may try again"


@pytest.mark.parametrize("refused", [None, "opted out"])
def test_a_lost_mail_counts_as_sent_though_its_recipient_has_opted_out_since(refused: str | None) -> None:
    assumed = decide(in_doubt(NEW), MAIL, refused=refused, is_early=False)

    assert isinstance(assumed, Next)
    assert (assumed.status, assumed.reason) == (Status.DELIVERED, "assumed_delivered")


def test_what_is_refused_or_too_early_is_not_called() -> None:
    held = decide(NEW, RECONCILES, refused="observe mode", is_early=True)
    early = decide(NEW, RECONCILES, refused=None, is_early=True)

    assert isinstance(held, Next)
    assert (held.status, held.reason) == (Status.WITHHELD, "observe mode")
    assert isinstance(early, Next)
    assert (early.status, early.due_in_seconds) == (Status.PENDING, PARENT_SECONDS)
    assert decide(NEW, RECONCILES, refused=None, is_early=False) is Operation.CREATE


def test_withheld_is_the_end_whatever_is_switched_later() -> None:
    held = withhold(NEW, "observe mode")
    assert (held.status, held.due_in_seconds, held.outcome) == (Status.WITHHELD, None, Status.WITHHELD)
    assert held.effect.sent_version == held.effect.desired_version
