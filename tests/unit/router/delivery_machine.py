"""Routers that plan, deliver, stall and die in any order, against a plain model of what must come of it.

Every decision is the product's own, a ledger keeps the rows, and a schedule says what happens: answers and
revisions in any order, colleagues' clicks, calls that are lost, late or refused, processes that end at any
point, clocks that jump. What no schedule holds is a database clock that jumps forward while a call is under
way: leases are counted on it.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, product
from typing import Any, ClassVar, NoReturn

from hypothesis import strategies as st

from services.router.admission import Course, Occurrence, Standing, admit, advance
from services.router.attempt import GIVE_UP_AFTER, Next, Status, decide, in_doubt, postpone, settle
from services.router.calling import QUEUE_SECONDS
from services.router.clearance import DeliveryMode, Policy, refusal, waits
from services.router.convergence import converge
from services.router.delivery import lease_seconds
from services.router.destination import (
    Absent,
    AfterAmbiguity,
    Ambiguous,
    Delivered,
    Failed,
    Found,
    Limits,
    Operation,
    Result,
    Retry,
    Traits,
)
from services.router.effect import EffectRow, Parent, StoredEffect, Wanted, effect_id
from services.router.effect_rows import unwanted_row, wanted_row
from services.router.facts import Facts, ProfileFacts
from services.router.ledger import Claimed, Completion, lane_below
from services.router.occasion import Occasion
from services.router.plan import Plan
from tests.unit.router.delivery_model import CARD, NOTE, PERSONS, Model
from tests.unit.router.ledger_twin import Ledger
from tests.unit.router.outside_world import Outside

EPOCH = datetime(2026, 3, 1, 9, tzinfo=UTC)
DEADLINE_SECONDS = 10.0
KINDS = {
    "looks": Traits(AfterAmbiguity.RECONCILE, updates=True, settle_seconds=10, shows_follow_up=True),
    "repeats": Traits(AfterAmbiguity.REPEAT, updates=True),
    "assumes": Traits(AfterAmbiguity.ASSUME_DELIVERED, updates=False),
}
SETTLED_AFTER_TURNS = 40
RULE = "detractor"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

Event = tuple[Any, ...]
"""The name of a method of `DeliveryMachine`, and its arguments."""

_PER_SHARE = 30


def _share(parts: int, name: str, *arguments: Sequence[object]) -> list[Event]:
    """The event with all its arguments, so often that it is drawn this many times as often as one part."""
    events = [(name, *chosen) for chosen in product(*arguments)]
    return list(islice(cycle(events), parts * _PER_SHARE))


_SUBJECTS = sorted(PERSONS)
_ANSWERS = (_SUBJECTS, (1, 2, 3), ("a", "b", None))
_ROUTERS = range(3)
_CALLS = range(3)
_UNSURE = ("answer_lost", "late", "dropped")
EVENTS = [
    ("time_passes", 0, "dropped"),  # what schedules that fail are shrunk to
    *_share(8, "answer_is_revised", _SUBJECTS, ("a", "b", None)),
    *_share(3, "answer_is_planned", *_ANSWERS),
    *_share(1, "answer_is_recorded", *_ANSWERS),
    *_share(4, "colleague_acts", _SUBJECTS),
    *_share(1, "note_is_put_below_the_card", _SUBJECTS),
    *_share(9, "router_works", _ROUTERS, ("fine",)),
    *_share(6, "router_works", _ROUTERS, (*_UNSURE, *_UNSURE, "busy", "refused")),
    *_share(6, "router_claims", _ROUTERS, (None, None, *_SUBJECTS)),
    *_share(6, "calls_start", _ROUTERS),
    *_share(2, "call_ends", _CALLS, ("fine",)),
    *_share(4, "call_ends", _CALLS, (*_UNSURE, "busy", "refused")),
    *_share(3, "router_records", _ROUTERS),
    *_share(1, "router_dies_before_the_attempt_is_noted", _ROUTERS),
    *_share(3, "router_dies", _ROUTERS, _UNSURE),
    *_share(9, "time_passes", (1, 6, 12, 40, 40), _UNSURE),
    *_share(1, "time_passes", (4_000, 200_000), _UNSURE),
    *_share(1, "database_clock_jumps_back", (2, 30)),
    *_share(1, "database_clock_is_put_right"),
    *_share(1, "operator_chooses", (*[DeliveryMode.LIVE] * 4, DeliveryMode.OBSERVE)),
]
# One draw an event: the search is spent on schedules, not on the arguments of each event.
SCHEDULES = st.lists(st.sampled_from(EVENTS), min_size=25, max_size=70)


_FIRST = ("answer_is_planned", "response:1", 1, "a")
_CLICK = ("colleague_acts", "response:1")
_DONE = ("router_works", 0, "fine")
_A_SECOND_LATER = ("time_passes", 1, "late")
HARD: Mapping[str, Sequence[Event]] = {
    "a_late_update_does_not_overtake_the_next": [
        *(_FIRST, _DONE, _CLICK, ("router_works", 0, "late"), _CLICK, _A_SECOND_LATER, _DONE),
    ],
    "a_lost_update_that_brought_back_what_was_retracted": [
        *(_FIRST, _DONE, ("answer_is_revised", "response:1", None), _DONE),
        *(("answer_is_revised", "response:1", "b"), ("router_claims", 1, None), ("calls_start", 1)),
        *(("router_dies", 1, "answer_lost"), ("answer_is_revised", "response:1", None)),
    ],
    "a_note_whose_call_may_still_arrive_is_not_woken_by_its_card": [
        *(_FIRST, _DONE, ("note_is_put_below_the_card", "response:1"), ("router_works", 0, "late")),
        *(_CLICK, _A_SECOND_LATER, _DONE, _DONE, _DONE),
    ],
    "a_lost_creation_that_nobody_wants_any_more": [
        *(_FIRST, ("router_works", 1, "dropped"), ("answer_is_revised", "response:1", None)),
        *(_A_SECOND_LATER, _DONE, ("answer_is_revised", "response:1", "a")),
    ],
}


@dataclass
class Flight:
    """A claimed effect whose call is to be made; `started` None: it still queues. Real seconds."""

    claimed: Claimed
    operation: Operation
    claimed_seconds: float
    started_seconds: float | None = None


@dataclass
class Router:
    """What dies with a process: its calls, and what it has not recorded yet."""

    flights: list[Flight] = field(default_factory=list)
    done: list[Completion] = field(default_factory=list)

    @property
    def started(self) -> list[Flight]:
        """Its calls under way."""
        return [one for one in self.flights if one.started_seconds is not None]


class DeliveryMachine:
    """A schedule's course. Each public method is something that may happen; where it cannot, nothing does."""

    happened: ClassVar[Counter[str]] = Counter()

    def __init__(self, kind: str, ledger: Ledger) -> None:
        self.happened["schedules"] += 1
        self.traits = KINDS[kind]
        self.outside = Outside(self.traits)
        self.model = Model()
        self.ledger = ledger
        self.texts: dict[tuple[str, int], str | None] = {}
        self.seconds = 0.0
        self.behind_seconds = 0.0
        self.policy = Policy(DeliveryMode.LIVE)
        self.routers = [Router() for _ in _ROUTERS]
        self._tick()

    def run(self, schedule: Sequence[Event]) -> None:
        """All that the schedule holds; then the outside gets well, and everything must end as it should."""
        for name, *arguments in schedule:
            getattr(self, name)(*arguments)
        self._end_well()

    # What is wanted

    def answer_is_planned(self, subject: str, revision: int, text: str | None) -> None:
        self._say(subject, revision, text, delivers=True)

    def answer_is_revised(self, subject: str, text: str | None) -> None:
        newest = max(self.model.told[subject].texts, default=0)
        self._say(subject, newest + 1, text, delivers=True)

    def answer_is_recorded(self, subject: str, revision: int, text: str | None) -> None:
        self._say(subject, revision, text, delivers=False)

    def colleague_acts(self, subject: str) -> None:
        with self.ledger.transaction():
            is_shown = self.ledger.show_again(subject)
        if is_shown:
            self.model.want(subject, CARD, self.model.expected[effect_id(subject, CARD)].text)

    def note_is_put_below_the_card(self, subject: str) -> None:
        if self.traits.after_ambiguity is not AfterAmbiguity.RECONCILE:
            return
        with self.ledger.transaction():
            state = self.ledger.subject(subject, PERSONS[subject])
            known = self.ledger.effects_of(subject)
            if CARD in known and NOTE not in known:
                self.ledger.write_plan(subject, state, [_note(subject)])
                self.model.want(subject, NOTE, "n")

    # What routers do

    def router_claims(self, which: int, leave: str | None) -> None:
        router = self.routers[which]
        with self.ledger.transaction():
            self._record(router)
            flights, at_rest = self._claim({leave} if leave else set())
        router.flights += flights
        router.done += at_rest

    def router_works(self, which: int, fate: str) -> None:
        """A turn without an interruption, whose calls all end alike."""
        router = self.routers[which]
        self.router_claims(which, None)
        self.calls_start(which)
        for flight in router.started:
            self._end(router, flight, fate)
        self.router_records(which)

    def router_dies_before_the_attempt_is_noted(self, which: int) -> None:
        with suppress(ConnectionError), self.ledger.transaction():
            self._claim(set())
            _disconnect()
        self.router_dies(which, "late")

    def calls_start(self, which: int) -> None:
        router = self.routers[which]
        for flight in [one for one in router.flights if one.started_seconds is None]:
            if self.seconds - flight.claimed_seconds < QUEUE_SECONDS:
                self._start(flight)
            else:
                router.flights.remove(flight)
                following = postpone(flight.claimed.effect, 0.0)
                router.done.append(Completion(flight.claimed, following, "not_started"))

    def call_ends(self, which: int, fate: str) -> None:
        started = [(router, flight) for router in self.routers for flight in router.started]
        if started:
            self._end(*started[which % len(started)], fate)

    def router_records(self, which: int) -> None:
        with self.ledger.transaction():
            self._record(self.routers[which])

    def router_dies(self, which: int, fate: str) -> None:
        router = self.routers[which]
        self.happened["deaths"] += bool(router.flights or router.done)
        for flight in router.started:
            self._end(router, flight, fate)
        router.flights, router.done = [], []

    # Time and people

    def time_passes(self, seconds: float, fate: str) -> None:
        """Calls that would outlast their deadline end at it."""
        until = self.seconds + seconds
        for router in self.routers:
            for flight in list(router.flights):
                if flight.started_seconds is not None and flight.started_seconds + DEADLINE_SECONDS < until:
                    self.seconds = max(self.seconds, flight.started_seconds + DEADLINE_SECONDS)
                    self._end(router, flight, fate)
        self.seconds = until
        self._tick()

    def database_clock_jumps_back(self, seconds: float) -> None:
        self.happened["clock jumps"] += 1
        self.behind_seconds += seconds
        self._tick()

    def database_clock_is_put_right(self) -> None:
        if not any(router.flights for router in self.routers) and not self.outside.late:
            self.behind_seconds = 0.0
            self._tick()

    def operator_chooses(self, mode: DeliveryMode) -> None:
        self.policy = Policy(mode)

    # How it goes on

    def _say(self, subject: str, revision: int, text: str | None, *, delivers: bool) -> None:
        text = self.texts.setdefault((subject, revision), text)
        asked = Occurrence(
            subject=subject,
            occasion=Occasion.RESPONSE,
            person_key=PERSONS[subject],
            account_id=None,
            key=(revision, 0, 1, 1),
            delivers=delivers,
            standing=Standing.FINAL,
            happened_at=EPOCH,
        )
        with self.ledger.transaction():
            state = self.ledger.subject(subject, asked.person_key)
            course = admit(state, asked)
            best = self.texts[subject, max(state.highest[:1], (revision,))[0]]
            known = self.ledger.effects_of(subject)
            rows = _planned(asked, best, known) if course is Course.DELIVER else []
            self.ledger.write_plan(subject, advance(state, asked, course), rows)
        self.model.say(subject, revision, text, delivers=delivers)

    def _claim(self, leave: set[str]) -> tuple[list[Flight], list[Completion]]:
        flights, at_rest = [], []
        lasts_seconds = lease_seconds(self.traits, Limits(deadline_seconds=DEADLINE_SECONDS))
        for leased in self.ledger.claim(leave, lasts_seconds):
            one = leased
            if leased.is_in_doubt:
                self.happened["taken over in doubt"] += 1
                self.outside.unsure.add(leased.effect_id)
                one = replace(leased, effect=in_doubt(leased.effect))
            refused = refusal(one.standing, self.policy, (), None, EPOCH)
            decided = decide(one.effect, self.traits, refused=refused, is_early=waits(one.standing))
            if isinstance(decided, Next):
                at_rest.append(Completion(one, decided))
            else:
                flights.append(Flight(one, decided, self.seconds))
        if flights:
            calls = [(one.claimed, one.operation) for one in flights]
            self.ledger.note_attempts(flights[0].claimed.lease, calls)
        return flights, at_rest

    def _start(self, flight: Flight) -> None:
        claimed = flight.claimed
        assert self.model.is_next(claimed.effect_id), "a later effect of the same key overtakes"
        under_way = {one.claimed.effect_id for router in self.routers for one in router.started}
        assert claimed.effect_id not in under_way, "two calls at once"
        assert claimed.action != NOTE or claimed.parent_id is not None
        flight.started_seconds = self.seconds

    def _end(self, router: Router, flight: Flight, fate: str) -> None:
        self.happened[fate] += 1
        router.flights.remove(flight)
        result = self._result(flight, fate)
        following = settle(
            flight.claimed.effect,
            flight.operation,
            result,
            traits=self.traits,
            now=flight.claimed.leased_at,
            jitter=0.0,
        )
        has_long_failed = self.seconds >= GIVE_UP_AFTER.total_seconds()
        assert following.status is not Status.FAILED or isinstance(result, Failed) or has_long_failed
        router.done.append(Completion(flight.claimed, following, type(result).__name__.lower()))
        self._check_nothing_is_there_twice()

    def _result(self, flight: Flight, fate: str) -> Result | Found | Absent:
        claimed, operation = flight.claimed, flight.operation
        self.outside.pass_until(self.seconds)
        if fate == "busy":
            return Retry("busy", 30)
        if operation is Operation.RECONCILE:
            return self.outside.look(claimed.effect_id) if fate in {"fine", "refused"} else Retry("timeout")
        if fate == "refused":
            return Failed("refused")
        if fate == "late":
            self.outside.arrive_later(self.seconds + self.traits.settle_seconds, operation, claimed)
        if fate in {"late", "dropped"}:
            self.outside.unsure.add(claimed.effect_id)
            return Ambiguous("timeout")
        name = self.outside.arrive(operation, claimed)
        return Ambiguous("timeout") if fate == "answer_lost" else Delivered(name)

    def _record(self, router: Router) -> None:
        if not router.done:
            return
        held = self.ledger.complete(router.done)
        self.happened["lost leases"] += len(router.done) - len(held)
        self.model.recorded(one for one in router.done if one.claimed.effect_id in held)
        router.done = []

    def _end_well(self) -> None:
        self.policy = Policy(DeliveryMode.LIVE)
        for which, router in enumerate(self.routers):
            for flight in router.started:
                self._end(router, flight, "fine")
            self.router_records(which)
            self.router_dies(which, "dropped")
        for turn in range(SETTLED_AFTER_TURNS):
            if turn == 0 or self.ledger.pending():
                self.time_passes(4_000, "dropped")
                self.router_works(0, "fine")
        assert not self.ledger.pending(), "the ledger never comes to rest"
        self.model.check(self.outside, self.traits)
        for id_, expected in self.model.expected.items():
            if expected.given_up_at == expected.version:
                assert self.ledger.status(id_) in {Status.WITHHELD, Status.FAILED}

    def _check_nothing_is_there_twice(self) -> None:
        assert all(len(things) <= 1 for things in self.outside.things.values()), "a duplicate effect"

    def _tick(self) -> None:
        self.ledger.now = EPOCH + timedelta(seconds=self.seconds - self.behind_seconds)
        self.outside.pass_until(self.seconds)
        self._check_nothing_is_there_twice()


def _disconnect() -> NoReturn:
    raise ConnectionError


def _planned(asked: Occurrence, text: str | None, existing: Mapping[str, StoredEffect]) -> list[EffectRow]:
    """The rows that a rule's plan makes: it asks for a card, or for nothing."""
    card = Wanted(RULE, CARD, "box", json.dumps({"text": text}), asked.person_key, asked.subject)
    decided = Plan((card,) if text else (), (RULE,) if text else (), {}, withdraw_all=False, may_create=True)
    stored = existing.get(CARD)
    changes = converge({CARD: stored.known} if stored else {}, decided, frozenset({RULE}))
    facts = Facts(profile=ProfileFacts(key=asked.person_key))
    if changes.withdrawn and stored is not None:
        return [unwanted_row(asked, facts, stored, traceparent=TRACEPARENT, now=EPOCH)]
    return [
        wanted_row(asked, facts, wanted, stored, traceparent=TRACEPARENT, now=EPOCH)
        for wanted in (*changes.created, *changes.revised)
    ]


def _note(subject: str) -> EffectRow:
    return EffectRow(
        subject=subject,
        action=NOTE,
        effect_id=effect_id(subject, NOTE),
        rule=RULE,
        destination="box",
        person_key=PERSONS[subject],
        account_id=None,
        program=None,
        channel=None,
        received_at=None,
        expires_at=None,
        traceparent=TRACEPARENT,
        content=json.dumps({"text": "n"}),
        is_wanted=True,
        desired_version=1,
        order_key=lane_below(effect_id(subject, CARD)),
        rate_key=subject,
        is_new=True,
        parent=Parent(subject, CARD),
    )
