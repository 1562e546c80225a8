"""The pure decisions of a delivery, alone and against a plain model of the outside world."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.attempt import (
    GIVE_UP_AFTER,
    LONGEST_BACKOFF_SECONDS,
    Effect,
    Next,
    Outside,
    Status,
    attempt,
    in_doubt,
    rest,
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


def test_withheld_is_the_end_whatever_is_switched_later() -> None:
    held = withhold(NEW, "observe mode")
    assert (held.status, held.due_in_seconds, held.outcome) == (Status.WITHHELD, None, Status.WITHHELD)
    assert held.effect.sent_version == held.effect.desired_version


FATES = ("fine", "answer_lost", "never_arrived", "busy", "crash_before", "crash_after", "impossible")


@dataclass
class World:
    """What a destination really holds: objects with a version and whether they stand."""

    objects: dict[str, tuple[int, bool]] = field(default_factory=dict)
    creations: int = 0

    def apply(self, operation: Operation, effect: Effect) -> str:
        if operation is Operation.CREATE:
            self.creations += 1
            name = f"x{self.creations}"
        else:
            assert effect.external_id in self.objects
            name = effect.external_id
        self.objects[name] = (effect.desired_version, operation is not Operation.RETRACT)
        return name


@dataclass
class Ledger:
    """The database's part: keeps the effect and the doubt a dead router left, counts wanted versions."""

    traits: Traits
    world: World = field(default_factory=World)
    effect: Effect = NEW
    is_in_doubt: bool = False
    is_leased: bool = False
    is_pending: bool = True

    def want(self, is_wanted: bool) -> None:
        version = self.effect.desired_version + 1
        self.effect = replace(self.effect, is_wanted=is_wanted, desired_version=version)
        self.is_pending = True

    def turn(self, fate: str) -> None:
        claimed = in_doubt(self.effect) if self.is_in_doubt else self.effect
        operation = attempt(claimed, self.traits)
        if operation is None:
            self._complete(rest(claimed, self.traits))
            return
        result = self._call(operation, claimed, fate)
        if result is None:
            self.is_leased = True
            self.is_in_doubt = self.is_in_doubt or operation is Operation.CREATE
            return
        self._complete(settle(claimed, operation, result, traits=self.traits, now=NOW, jitter=0))

    def _call(self, operation: Operation, claimed: Effect, fate: str) -> Result | Found | Absent | None:
        if fate == "crash_before":
            return None
        if fate == "busy":
            return Retry("busy")
        if operation is Operation.RECONCILE:
            return self._look(fate)
        if fate in {"impossible", "never_arrived"}:
            return Failed("impossible") if fate == "impossible" else Ambiguous("timeout")
        name = self.world.apply(operation, claimed)
        if fate == "crash_after":
            return None
        return Ambiguous("timeout") if fate == "answer_lost" else Delivered(name)

    def _look(self, fate: str) -> Found | Absent | Retry | None:
        if fate in {"never_arrived", "answer_lost"}:
            return Retry("timeout")
        held = sorted(self.world.objects)
        found = Found(held[0]) if held else Absent()
        return None if fate == "crash_after" else found

    def _complete(self, following: Next) -> None:
        kept = following.effect
        is_current = kept.desired_version == self.effect.desired_version
        self.is_pending = following.due_in_seconds is not None or not is_current
        self.effect = replace(
            kept, is_wanted=self.effect.is_wanted, desired_version=self.effect.desired_version
        )
        self.is_in_doubt = self.is_leased = False


EVENTS = st.lists(st.one_of(st.sampled_from(FATES), st.booleans()), max_size=30)


def _run(ledger: Ledger, events: list[str | bool]) -> None:
    for event in events:
        if isinstance(event, bool):
            ledger.want(event)
        elif ledger.is_pending or ledger.is_leased:
            ledger.turn(event)


@given(events=EVENTS, finally_wanted=st.booleans())
def test_whatever_happens_the_outside_ends_as_wanted_with_one_object_at_most(
    events: list[str | bool], finally_wanted: bool
) -> None:
    ledger = Ledger(RECONCILES)
    _run(ledger, events)
    ledger.want(finally_wanted)
    for _ in range(5):
        if ledger.is_pending:
            ledger.turn("fine")

    assert not ledger.is_pending
    assert ledger.world.creations <= 1
    standing = [version for version, stands in ledger.world.objects.values() if stands]
    assert standing == ([ledger.effect.desired_version] if finally_wanted else [])


@given(events=EVENTS)
def test_a_mail_leaves_at_most_once(events: list[str | bool]) -> None:
    ledger = Ledger(MAIL)
    _run(ledger, events)
    assert ledger.world.creations <= 1


@given(events=st.lists(st.sampled_from(FATES), max_size=30))
def test_nothing_is_called_once_an_effect_is_settled(events: list[str | bool]) -> None:
    ledger = Ledger(RECONCILES)
    _run(ledger, events)
    if not ledger.is_pending and not ledger.is_leased and ledger.effect.outside is Outside.PRESENT:
        assert attempt(ledger.effect, RECONCILES) is None
