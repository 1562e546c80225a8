"""What can be done with a follow-up, one command at a time and in any order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pydantic import ValidationError

from runtime.business_hours import Calendar
from runtime.working_hours import OFFICE_HOURS
from schemas.outcomes import OutcomeKind
from services.router.follow_up import (
    FollowUp,
    FollowUpTerms,
    FollowUpWanted,
    Resolution,
    State,
    Target,
    Targets,
)
from services.router.follow_up_commands import (
    AddNote,
    Change,
    Claim,
    Close,
    Command,
    HandOver,
    NoteBreach,
    NoteContact,
    Reassign,
    Refusal,
    Reopen,
    Resolve,
    Snooze,
    Wake,
    decide,
)
from services.router.follow_up_course import course
from services.router.follow_up_opening import Asked, asked_again, opened
from services.router.timer_store import TimerKind

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
"""A Monday, as work begins."""
OFFICE = Calendar("UTC", OFFICE_HOURS.week)
TERMS = FollowUpTerms(team="cs", first_contact_hours=4, resolve_hours=40)
ASKED = Asked(
    subject="response:1",
    person_key="p",
    account_id=None,
    wanted=FollowUpWanted("detractor", TERMS),
    settled=frozenset(),
    withdrawn=False,
    may_open=True,
    traceparent="",
)
FRESH = opened(ASKED, FollowUpWanted("detractor", TERMS), course(TERMS, OFFICE, NOW).targets, NOW)
LATER = Targets(NOW + timedelta(days=100), NOW + timedelta(days=200))


def do(it: FollowUp, *commands: Command, now: datetime = NOW) -> FollowUp:
    for command in commands:
        decision = decide(it, command, now, LATER)
        assert isinstance(decision, Change), decision
        it = decision.follow_up
    return it


def refused(it: FollowUp, command: Command) -> Refusal:
    decision = decide(it, command, NOW, LATER)
    assert isinstance(decision, Refusal), decision
    return decision


def test_targets_are_business_hours_from_the_start() -> None:
    assert FRESH.targets == Targets(NOW.replace(hour=13), datetime(2026, 11, 27, 17, tzinfo=UTC))


def test_of_two_who_claim_the_second_learns_who_has_it() -> None:
    claimed = do(FRESH, Claim("ann"))
    assert (claimed.state, claimed.owner_id) == (State.CLAIMED, "ann")
    assert refused(claimed, Claim("bob")) == Refusal("ann has it already", "ann")


def test_whoever_contacts_first_owns_it_and_meets_the_target() -> None:
    contacted = do(FRESH, NoteContact("ann", "phone"))
    assert (contacted.state, contacted.owner_id) == (State.CONTACTED, "ann")
    assert contacted.is_met(Target.CONTACT)
    assert not contacted.is_met(Target.RESOLVE)


@pytest.mark.parametrize(
    "command",
    [
        Claim("ann"),
        NoteContact("ann", "phone"),
        Resolve("ann", Resolution.FIXED),
        Reassign("ann", "bob"),
        HandOver("ann", "product"),
        Snooze("ann", NOW + timedelta(days=1)),
    ],
    ids=lambda command: type(command).__name__,
)
def test_the_same_command_twice_changes_nothing_the_second_time(command: Command) -> None:
    once = do(FRESH, command)
    again = decide(once, command, NOW + timedelta(minutes=1), LATER)
    assert again == Change(once)


@pytest.mark.parametrize(
    "command",
    [Claim("ann"), NoteContact("ann", "x"), Reassign("ann", "bob"), Resolve("bob", Resolution.TAUGHT)],
)
def test_what_is_resolved_has_to_be_opened_again_first(command: Command) -> None:
    resolved = do(FRESH, Resolve("ann", Resolution.FIXED))
    assert refused(resolved, command).reason == "it is closed already (fixed): reopen it first"
    assert do(resolved, Reopen("ann", "still broken"), Claim("bob")).owner_id == "bob"


def test_opened_again_it_has_new_targets_and_a_clean_slate() -> None:
    over = do(FRESH, Claim("ann"), now=NOW)
    over = do(over, NoteBreach(Target.CONTACT), NoteContact("ann", "phone"), now=NOW + timedelta(days=1))
    again = do(over, Resolve("ann", Resolution.FIXED, "bug"), Reopen("bob", "not fixed"))
    assert again == replace(
        FRESH, owner_id="ann", targets=LATER, reopened_at=NOW, version=over.version + 2
    ), "nothing of before is left but who owned it"


def test_a_breach_is_recorded_once_and_only_if_it_was_one() -> None:
    due_at = FRESH.targets.first_contact_due_at
    assert do(FRESH, NoteBreach(Target.CONTACT), now=due_at - timedelta(seconds=1)) == FRESH
    missed = do(FRESH, NoteBreach(Target.CONTACT), now=due_at)
    assert missed.contact_breached_at == due_at
    assert do(missed, NoteBreach(Target.CONTACT), now=due_at + timedelta(hours=1)) == missed
    met = do(FRESH, NoteContact("ann", "phone"))
    assert do(met, NoteBreach(Target.CONTACT), now=due_at) == met


def test_a_snooze_ends_when_it_is_over_and_not_before() -> None:
    until = NOW + timedelta(hours=2)
    snoozed = do(FRESH, Snooze("ann", until))
    assert do(snoozed, Wake(), now=until - timedelta(seconds=1)) == snoozed
    assert do(snoozed, Wake(), now=until).snoozed_until is None
    assert refused(FRESH, Snooze("ann", NOW)).reason == "the time to be reminded at has passed already"


@pytest.mark.parametrize(
    ("it", "asked", "command"),
    [
        (FRESH, ASKED, None),
        (FRESH, replace(ASKED, withdrawn=True, wanted=None), Close("answer retracted")),
        (FRESH, replace(ASKED, wanted=None, settled=frozenset({"detractor"})), Close("answer edited")),
        pytest.param(FRESH, replace(ASKED, wanted=None), None, id="its rule vanished or erred"),
        (do(FRESH, Close("answer edited")), ASKED, Reopen(None, "answer edited")),
        (do(FRESH, Close("answer edited")), replace(ASKED, withdrawn=True, wanted=None), None),
        pytest.param(do(FRESH, Resolve("ann", Resolution.FIXED)), ASKED, None, id="people resolved it"),
    ],
)
def test_what_planning_an_answer_again_means(it: FollowUp, asked: Asked, command: Command | None) -> None:
    assert asked_again(it, asked) == command


def test_alarms_come_before_at_and_after_each_target() -> None:
    hour = timedelta(hours=1)
    contact, resolve = FRESH.targets.first_contact_due_at, FRESH.targets.resolve_due_at
    timers = course(TERMS, OFFICE, NOW).timers("response:1")
    assert [(timer.kind, timer.ref, timer.due_at) for timer in timers] == [
        (TimerKind.REMIND, "contact", contact - hour),
        (TimerKind.BREACH_CONTACT, "contact", contact),
        (TimerKind.ESCALATE, "contact", contact + 2 * hour),
        (TimerKind.REMIND, "resolve", resolve - hour),
        (TimerKind.BREACH_RESOLVE, "resolve", resolve),
        (TimerKind.ESCALATE, "resolve", datetime(2026, 11, 30, 11, tzinfo=UTC)),
    ]


def test_terms_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValidationError, match="resolve_hours is shorter"):
        FollowUpTerms(team="cs", first_contact_hours=8, resolve_hours=4)


WHO = st.sampled_from(["ann", "bob", "eve"])


class FollowUpMachine(RuleBasedStateMachine):
    """The follow-up beside a model that knows only who may do what.

    Commands are decided on the newest state or, as two at once would be without the lock, refused as stale.
    """

    def __init__(self) -> None:
        super().__init__()
        self.it = FRESH
        self.now = NOW
        self.owner: str | None = None
        self.state = "open"
        self.heard = False
        self.missed: set[tuple[int, Target]] = set()
        self.cycle = 0
        self.outcomes: list[OutcomeKind] = []
        self.lines = 1

    def run(self, command: Command) -> Change | Refusal:
        restarted = Targets(self.now + timedelta(hours=4), self.now + timedelta(hours=40))
        decision = decide(self.it, command, self.now, restarted)
        if isinstance(decision, Change):
            assert (decision.entry is None) == (decision.follow_up == self.it), "silent change, or noise"
            assert decision.outcome is None or decision.entry is not None
            self.lines += decision.entry is not None
            self.it = decision.follow_up
            self.outcomes += [decision.outcome] if decision.outcome else []
        return decision

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(first=WHO, second=WHO)
    def two_claim(self, first: str, second: str) -> None:
        results = [self.run(Claim(first)), self.run(Claim(second))]
        winners = {who for who, one in zip((first, second), results, strict=True) if isinstance(one, Change)}
        if self.state == "open":
            assert winners == {first}
            self.owner, self.state = first, "claimed"
        elif self.state == "resolved":
            assert not winners
        else:
            self.owner = self.owner or first
            assert winners == {first, second} & {self.owner}

    @rule(who=WHO)
    def contact(self, who: str) -> None:
        result = self.run(NoteContact(who, "phone"))
        assert isinstance(result, Refusal) == (self.state == "resolved")
        if self.state != "resolved":
            self.state, self.heard, self.owner = "contacted", True, self.owner or who

    @rule(who=WHO, to=WHO)
    def reassign(self, who: str, to: str) -> None:
        if isinstance(self.run(Reassign(who, to)), Change):
            self.owner = to

    @rule(who=WHO, team=st.sampled_from(["cs", "product"]))
    def hand_over(self, who: str, team: str) -> None:
        changes = self.it.team != team and self.state != "resolved"
        self.run(HandOver(who, team))
        if changes:
            self.owner = None
            self.state = "open" if self.state == "claimed" else self.state

    @rule(who=WHO, resolution=st.sampled_from(Resolution))
    def resolve(self, who: str, resolution: Resolution) -> None:
        if self.state != "resolved":
            assert isinstance(self.run(Resolve(who, resolution)), Change)
            self.state, self.owner = "resolved", self.owner or who
        else:
            before = self.it
            self.run(Resolve(who, resolution))
            assert self.it == before

    @rule(who=WHO)
    def reopen(self, who: str) -> None:
        self.run(Reopen(who, "again"))
        if self.state == "resolved":
            self.state, self.heard = "open", False
            self.cycle += 1

    @rule()
    def close(self) -> None:
        self.run(Close("answer retracted"))
        self.state = "resolved"

    @rule(who=WHO)
    def note(self, who: str) -> None:
        self.run(AddNote(who, "fyi"))

    @rule(due=st.sampled_from(Target))
    def look_for_a_breach(self, due: Target) -> None:
        owed = self.state != "resolved" and not (due is Target.CONTACT and self.heard)
        if owed and self.now >= self.it.due_at(due):
            self.missed.add((self.cycle, due))
        self.run(NoteBreach(due))

    @invariant()
    def agrees_with_the_model(self) -> None:
        assert (self.it.state, self.it.owner_id) == (self.state, self.owner)
        assert (self.it.contacted_at is not None) == self.heard
        assert self.it.version == self.lines, "one line of history a change"
        assert self.outcomes.count(OutcomeKind.SLA_BREACHED) == len(self.missed), "each breach once"
        assert self.it.resolution is None or self.it.closed_because is None


FollowUpMachine.TestCase.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)
test_any_order_of_commands = FollowUpMachine.TestCase
