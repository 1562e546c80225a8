"""Random lives of a few people under several schedulers, held against a model too plain to be wrong.

Schedulers take and lock people, decide by clocks that are up to an hour wrong, and commit or die. Time runs
over leap days and the days on which clocks change.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scheduler.eligibility import Outcome
from services.scheduler.facts import Person
from services.scheduler.planning import Life, Planned, wanted
from services.scheduler.programs import parse_programs
from services.scheduler.rounds import Books, Decided, Work, decide
from services.scheduler.triggers import Happening

PROGRAMS = parse_programs(
    """
hours: {}
programs:
  - &common
    id: bought
    owner: Customer Success
    goal: Learn.
    metric: nps
    trigger: { lifecycle: purchased, delay_days: 30 }
    channels: [email]
    minimum_tenure_days: 0
    survey: { question: "How likely?", follow_up_question: "Why?", why_we_ask: You are here. }
  - { <<: *common, id: left, trigger: { lifecycle: churned, delay_days: 1 }, gap: once }
  - { <<: *common, id: turn, trigger: { every_days: 200 } }
""",
    name="programs.yaml",
)
ZONES = {"ann": "Europe/Berlin", "bob": "America/New_York", "eve": "Australia/Lord_Howe"}
BEGINNINGS = [
    datetime(2028, 2, 20, tzinfo=UTC),  # before a leap day
    datetime(2026, 3, 1, tzinfo=UTC),  # before clocks go forward in the north
    datetime(2026, 9, 28, tzinfo=UTC),  # before they go back there, and forward in the south
]
GAPS = {"bought": 180, "turn": 180, "left": 30}
DELAYS = {"purchased": ("bought", 30), "churned": ("left", 1)}
SKEWS = (timedelta(hours=-1), timedelta(0), timedelta(minutes=37), timedelta(hours=1))


@dataclass
class Scheduler:
    """One that holds people locked between taking work and committing."""

    skew: timedelta
    locked: set[str] = field(default_factory=set)
    decided: list[Decided] = field(default_factory=list)
    now: datetime = BEGINNINGS[0]


@dataclass
class Tables:
    """What the schedulers share, as the database keeps it."""

    people: dict[str, Person]
    works: dict[tuple[str, str, UUID], Work] = field(default_factory=dict)
    states: dict[tuple[str, str, UUID], str] = field(default_factory=dict)
    look_at: dict[tuple[str, str, UUID], datetime] = field(default_factory=dict)
    happened: dict[UUID, Happening] = field(default_factory=dict)
    asked_by: set[tuple[str, str]] = field(default_factory=set)

    def replan(self, who: str, now: datetime) -> None:
        mine = {key: state for key, state in self.states.items() if key[0] == who}
        settled = [key[1:] for key, state in mine.items() if state in {"asked", "skipped"}]
        lives = [one for one in self.happened.values() if one.person == who]
        plans = {
            (who, *plan.key): plan for plan in wanted(Life(self.people[who], lives, settled), PROGRAMS, now)
        }
        for key, plan in plans.items():
            if mine.get(key) == "asked" or (mine.get(key) == "skipped" and plan.gives_up_at <= now):
                continue
            self.plan(plan)
        for key, state in mine.items():
            if key not in plans and state == "pending":
                self.states[key] = "cancelled"

    def plan(self, plan: Planned) -> None:
        key = (plan.person, *plan.key)
        self.works[key] = Work(plan.program, plan.occasion, plan.person, plan.due_at, plan.gives_up_at)
        self.states[key], self.look_at[key] = "pending", plan.due_at

    def take(self, scheduler: Scheduler, at: datetime, locked: set[str]) -> None:
        """Two pieces of due work at most, of people nobody has locked; decided, not yet committed."""
        scheduler.now = at + scheduler.skew
        due = [
            self.works[key]
            for key, state in self.states.items()
            if state == "pending" and self.look_at[key] <= scheduler.now and key[0] not in locked
        ][:2]
        scheduler.locked = {work.person for work in due}
        books = Books()
        for who, program in self.asked_by:
            books.asked_by[who].add(program)
        scheduler.decided = decide(due, self.people, books, PROGRAMS, scheduler.now)

    def commit(self, scheduler: Scheduler) -> list[Decided]:
        for done in scheduler.decided:
            key = (done.work.person, done.work.program, done.work.occasion.id)
            again = done.decision.next_eligible_at
            if done.decision.outcome is Outcome.POSTPONED and again is not None:
                self.look_at[key] = again
                continue
            self.states[key] = done.decision.outcome
            if done.next_turn is not None:
                turn = done.next_turn
                following = (turn.person, *turn.key)
                self.works[following] = Work(
                    turn.program, turn.occasion, turn.person, turn.due_at, turn.gives_up_at
                )
                self.states[following], self.look_at[following] = "pending", turn.due_at
            if done.request is not None:
                self.people[key[0]] = replace(self.people[key[0]], last_contact_at=scheduler.now)
                self.asked_by.add(key[:2])
        committed = scheduler.decided
        scheduler.decided, scheduler.locked = [], set()
        return committed


@dataclass
class Model:
    """What must hold, in true time."""

    contacts: dict[str, list[datetime]] = field(default_factory=lambda: {who: [] for who in ZONES})
    asked_once: set[str] = field(default_factory=set)
    asked_about: set[tuple[str, UUID]] = field(default_factory=set)

    def was_asked(self, done: Decided, person: Person, at: datetime, clock: datetime) -> None:
        who, program = done.work.person, done.work.program
        assert not person.refuses_all
        assert all(at >= contact + timedelta(days=GAPS[program]) for contact in self.contacts[who])
        local = clock.astimezone(ZoneInfo(ZONES[who]))
        assert local.weekday() < 5
        assert 9 <= local.hour < 17
        assert (program, done.work.occasion.id) not in self.asked_about
        if program == "left":
            assert who not in self.asked_once
            self.asked_once.add(who)
        self.asked_about.add((program, done.work.occasion.id))
        self.contacts[who].append(at)

    def nobody_is_forgotten(self, tables: Tables, at: datetime) -> None:
        for one in tables.happened.values():
            who = one.person or ""
            program, delay = DELAYS[one.moment]
            due = one.occurred_at + timedelta(days=delay)
            local = at.astimezone(ZoneInfo(ZONES[who]))
            is_time = local.weekday() < 5 and 10 <= local.hour < 16
            is_due = due + timedelta(hours=1) <= at < due + timedelta(days=30, hours=-1)
            is_over = all(at >= c + timedelta(days=GAPS[program], hours=4) for c in self.contacts[who])
            may = not tables.people[who].refuses_all and not (program == "left" and who in self.asked_once)
            assert not (
                is_time and is_due and is_over and may and (program, one.id) not in self.asked_about
            ), one


WHO = st.sampled_from(sorted(ZONES))
HAPPENS = st.tuples(
    st.sampled_from(["purchased", "churned", "retracted", "out", "in", "answered"]),
    WHO,
    st.integers(0, 2),
    st.integers(0, 40),
)
"""What is heard, of whom, which of their events, and how many days after it happened."""
ACTS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["take", "commit", "die"])), max_size=5)
STEP = st.tuples(st.integers(1, 900), st.lists(HAPPENS, max_size=2), ACTS)
"""Hours that pass, what is heard then, and what schedulers do."""


@dataclass
class World:
    """Tables, the schedulers that share them, and what watches over both."""

    at: datetime
    tables: Tables
    schedulers: list[Scheduler] = field(default_factory=lambda: [Scheduler(skew) for skew in SKEWS])
    model: Model = field(default_factory=Model)

    def act(self, scheduler: Scheduler, what: str) -> None:
        if what == "take" and not scheduler.locked:
            self.tables.take(scheduler, self.at, {who for one in self.schedulers for who in one.locked})
        elif what == "commit":
            self.commit(scheduler)
        elif what == "die":
            scheduler.decided, scheduler.locked = [], set()

    def commit(self, scheduler: Scheduler) -> int:
        before = dict(self.tables.people)
        done = self.tables.commit(scheduler)
        for one in done:
            if one.request is not None:
                self.model.was_asked(one, before[one.work.person], self.at, scheduler.now)
        return len(done)

    def work_off(self) -> None:
        """Everybody starts again and works until nothing is due by any clock."""
        for scheduler in self.schedulers:
            self.act(scheduler, "die")
        busy = True
        while busy:
            busy = False
            for scheduler in self.schedulers:
                self.tables.take(scheduler, self.at, set())
                busy |= self.commit(scheduler) > 0

    def hear(self, what: str, who: str, number: int, days_ago: int) -> None:
        """Something of somebody whom nobody decides about now."""
        person, occurred_at = self.tables.people[who], self.at - timedelta(days=days_ago)
        if any(who in scheduler.locked for scheduler in self.schedulers):
            return
        if what in {"out", "in"}:
            self.tables.people[who] = replace(person, refuses_all=what == "out")
        elif what == "answered":
            self.model.contacts[who].append(occurred_at)
            latest = max(occurred_at, person.last_contact_at or occurred_at)
            self.tables.people[who] = replace(person, last_contact_at=latest)
        else:
            one = uuid5(UUID(int=0), f"{who} {number}")
            self.tables.happened.pop(one, None)
            if what != "retracted":
                self.tables.happened[one] = Happening(one, what, occurred_at, who)
        self.tables.replan(who, self.at)


@pytest.mark.long
@pytest.mark.timeout(400)
@settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(begin=st.sampled_from(BEGINNINGS), steps=st.lists(STEP, min_size=3, max_size=12))
def test_never_too_often_never_unwanted_never_at_night_and_nobody_is_forgotten(
    begin: datetime, steps: Sequence[tuple[int, list[tuple[str, str, int, int]], list[tuple[int, str]]]]
) -> None:
    channels = frozenset({"email"})
    people = {who: Person(who, channels=channels, time_zone=zone) for who, zone in ZONES.items()}
    world = World(begin, Tables(people))
    for who in ZONES:
        world.tables.replan(who, begin)
    for hours, heard, acts in steps:
        world.at += timedelta(hours=hours)
        for number, act in acts:
            world.act(world.schedulers[number], act)
        for heard_of in heard:
            world.hear(*heard_of)
        world.work_off()
        world.model.nobody_is_forgotten(world.tables, world.at)
