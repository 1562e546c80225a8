"""People in Salesforce and in Slack change one follow-up; polls overlap and come in any order."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.follow_up import FollowUp, FollowUpTerms, Resolution, State, Targets
from services.router.follow_up_commands import AddNote, Change, Reassign, Reopen, Resolve, decide
from services.router.salesforce.case_sync import (
    PROGRAM,
    CaseRow,
    Editor,
    Known,
    Reading,
    Seen,
    read_case,
    read_comment,
)

BEGAN = datetime(2026, 11, 2, 9, tzinfo=UTC)
MAYA, JONAS, ROBOT, US = (
    Editor("maya"),
    Editor("jonas"),
    Editor(f"{PROGRAM}005R", is_program=True),
    Editor("salesforce:005U", is_us=True),
)
TARGETS = Targets(BEGAN, BEGAN)


def at(minute: float) -> datetime:
    return BEGAN + timedelta(minutes=minute)


def follow_up(
    state: State = State.OPEN, *, subject: str = "response:1", owner: str | None = None
) -> FollowUp:
    return FollowUp(
        id=uuid4(),
        subject=subject,
        person_key="k1",
        account_id=None,
        rule="detractor",
        terms=FollowUpTerms(team="customer_success", first_contact_hours=4, resolve_hours=40),
        team="customer_success",
        owner_id=owner,
        state=state,
        opened_at=BEGAN,
        targets=TARGETS,
        traceparent="",
    )


def row(minute: float, editor: Editor = MAYA, *, closed: bool = False, owner: str = "maya") -> CaseRow:
    return CaseRow(
        case_id="500A",
        stamp=at(minute),
        is_closed=closed,
        closed_at=at(minute) if closed else None,
        status="Closed" if closed else "Working",
        owner_id=f"005{owner}",
        owner=owner,
        changed_at=at(minute),
        editor=editor,
    )


OPEN = Seen(at(0), is_closed=False, owner_id="005maya")
CLOSED = Seen(at(0), is_closed=True, owner_id="005maya")


def read(it: CaseRow, seen: Seen | None, *known: Known) -> Reading:
    return read_case(it, seen, known or [Known(follow_up(), None)], {"Rejected": Resolution.DECLINED})


def test_who_closes_the_case_resolves_every_follow_up_in_it() -> None:
    both = (Known(follow_up(), None), Known(follow_up(subject="response:2"), None))

    assert read(row(1, JONAS, closed=True), OPEN, *both).commands == (
        ("response:1", Resolve("jonas", Resolution.FIXED, note="closed in Salesforce")),
        ("response:2", Resolve("jonas", Resolution.FIXED, note="closed in Salesforce")),
    )


def test_the_status_says_how_it_ended() -> None:
    ((_, command),) = read(replace(row(1, closed=True), status="Rejected"), OPEN).commands

    assert isinstance(command, Resolve)
    assert command.resolution is Resolution.DECLINED


def test_what_was_seen_before_is_nothing_new() -> None:
    assert read(row(0, closed=True), OPEN) == Reading((), None)
    assert read(row(1, closed=True), CLOSED).commands == ()
    assert read(row(-5, closed=True), OPEN) == Reading((), None)


def test_another_owner_gets_the_follow_up_if_people_yaml_knows_them() -> None:
    assert read(row(1, MAYA, owner="jonas"), OPEN).commands == (
        ("response:1", Reassign("maya", "jonas", "in Salesforce")),
    )
    assert read(replace(row(1, owner="queue"), owner=None), OPEN).commands == ()
    assert read(row(1, owner="jonas"), None).commands == (), "who owned it first is nobody's decision"


def test_an_own_write_that_came_after_does_not_hide_what_a_person_did() -> None:
    ((_, command),) = read(replace(row(2, US, closed=True), closed_at=at(1)), OPEN).commands

    assert command == Resolve("maya", Resolution.FIXED, note="closed in Salesforce")


def test_our_own_closing_is_no_news() -> None:
    assert read(row(1, US, closed=True), OPEN, Known(follow_up(State.RESOLVED), at(0))).commands == ()
    assert read(row(1, US), CLOSED, Known(follow_up(State.RESOLVED), at(0))).commands == ()


def test_a_case_opened_again_opens_the_follow_up() -> None:
    assert read(row(2, JONAS), CLOSED, Known(follow_up(State.RESOLVED), at(1))).commands == (
        ("response:1", Reopen("jonas", "opened again in Salesforce")),
    )


@pytest.mark.parametrize("decided_at", [None, at(-60)])
def test_a_program_never_overrides_a_person(decided_at: datetime | None) -> None:
    known = Known(follow_up(), decided_at)

    assert bool(read(row(1, ROBOT, closed=True), OPEN, known).commands) == (decided_at is None)
    assert bool(read(row(1, ROBOT, owner="jonas"), OPEN, known).commands) == (decided_at is None)


def test_of_two_people_the_later_wins() -> None:
    claimed = Known(follow_up(State.CLAIMED, owner="jonas"), at(5))

    assert read(row(4, MAYA, closed=True), OPEN, claimed).commands == ()
    assert read(row(6, MAYA, closed=True), OPEN, claimed).commands != ()


def test_a_comment_is_a_note_on_the_newest_follow_up() -> None:
    older = Known(follow_up(), None)
    newer = Known(replace(follow_up(subject="response:2"), opened_at=at(9)), None)

    assert read_comment(" Called her. ", JONAS, [newer, older]) == (
        "response:2",
        AddNote("jonas", "Called her."),
    )
    assert read_comment("ours", US, [older]) is None
    assert read_comment("  ", JONAS, [older]) is None
    assert read_comment("no follow-up", JONAS, []) is None


# --- against a plain model ---

Deed = Literal["close", "reopen", "touch"]


@dataclass
class Org:
    """The Case as it stood after each change there."""

    history: list[CaseRow] = field(default_factory=lambda: [row(0, US)])

    def do(self, minute: float, deed: Deed, editor: Editor) -> None:
        last = self.history[-1]
        closed = {"close": True, "reopen": False, "touch": last.is_closed}[deed]
        closed_at = (last.closed_at or at(minute)) if closed else None
        self.history.append(replace(row(minute, editor, closed=closed), closed_at=closed_at))


@dataclass
class Router:
    """One follow-up as the synchronisation keeps it."""

    it: FollowUp = field(default_factory=follow_up)
    decided_at: datetime | None = None
    seen: Seen | None = None
    commands: int = 0

    def decide(self, command: Resolve | Reopen | Reassign | AddNote, when: datetime) -> None:
        decision = decide(self.it, command, when, TARGETS)
        if isinstance(decision, Change) and decision.entry is not None:
            self.it = decision.follow_up
            if not str(command.actor).startswith(PROGRAM):
                self.decided_at = when

    def poll(self, read: CaseRow) -> None:
        reading = read_case(read, self.seen, [Known(self.it, self.decided_at)], {})
        for _, command in reading.commands:
            assert isinstance(command, Resolve | Reopen | Reassign | AddNote)
            self.commands += 1
            self.decide(command, read.changed_at)
        self.seen = reading.seen or self.seen

    @property
    def is_resolved(self) -> bool:
        return self.it.state is State.RESOLVED


deeds = st.tuples(st.sampled_from(["close", "reopen", "touch"]), st.sampled_from([MAYA, JONAS, ROBOT]))
slack = st.sampled_from(["resolve", "reopen"])
steps = st.lists(st.one_of(deeds, slack), max_size=12)
replays = st.lists(st.integers(0, 30), max_size=12)


def play(happened: Sequence[object], replayed: Sequence[int]) -> tuple[Org, Router, bool | None, bool]:
    """A poll after each change there, and old readings in between. Also: what the last person wanted."""
    org, router = Org(), Router()
    router.poll(org.history[-1])
    latest: bool | None = None
    touched_by_program = False
    again = iter(replayed)
    for minute, step in enumerate(happened, start=1):
        if isinstance(step, str):
            command = Resolve("aiko", Resolution.FIXED) if step == "resolve" else Reopen("aiko", "again")
            before = router.it.version
            router.decide(command, at(minute))
            latest = router.is_resolved if router.it.version != before else latest
        else:
            assert isinstance(step, tuple)
            deed, editor = step
            was = org.history[-1].is_closed
            org.do(minute, deed, editor)
            changed = org.history[-1].is_closed != was
            if changed and not editor.is_program:
                latest = org.history[-1].is_closed
            touched_by_program |= changed and editor.is_program
            router.poll(org.history[-1])
        if (old := next(again, None)) is not None:
            router.poll(org.history[old % len(org.history)])
    return org, router, latest, touched_by_program


@given(steps, replays)
def test_readings_again_and_out_of_order_change_nothing(happened: list[object], replayed: list[int]) -> None:
    _, once, _, _ = play(happened, [])
    _, again, _, _ = play(happened, replayed)

    assert (again.it.state, again.commands, again.decided_at) == (
        once.it.state,
        once.commands,
        once.decided_at,
    )


@given(steps, replays)
def test_whoever_decided_last_as_a_person_is_right(happened: list[object], replayed: list[int]) -> None:
    org, router, latest, touched_by_program = play(happened, replayed)

    if latest is not None:
        assert router.is_resolved == latest, [step.is_closed for step in org.history]
    elif not touched_by_program:
        assert not router.is_resolved
