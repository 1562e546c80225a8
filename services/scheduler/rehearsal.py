"""Plays the time to come, or a past, with the same decisions as the scheduler and without effects. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import heappop, heappush
from itertools import count

from services.scheduler.eligibility import Outcome
from services.scheduler.facts import Person
from services.scheduler.planning import Life, Planned, purchases, wanted
from services.scheduler.programs import Programs
from services.scheduler.rounds import Books, Decided, Work, decide_one
from services.scheduler.triggers import Happening


@dataclass(frozen=True, slots=True)
class Ready:
    """Work that is looked at from a time on."""

    look_at: datetime
    work: Work
    person: Person
    happenings: Sequence[Happening] | None = None
    """The person's life, where purchases count as of the time played; None: as the person says."""


@dataclass(slots=True)
class Stage:
    """Where it is played: the programs, the time, and what was asked before."""

    programs: Programs
    begins: datetime
    ends: datetime
    books: Books = field(default_factory=Books)


def play(ready: Iterable[Ready], stage: Stage) -> Iterator[tuple[datetime, Decided]]:
    """Every decision from the stage's beginning to its end, in the order of time.

    `ready` comes sorted by `look_at`; what is already due is decided at the beginning.
    """
    waiting: list[tuple[datetime, int, int, Ready]] = []
    contacts: dict[str, datetime] = {}
    numbers = count()

    def put(one: Ready) -> None:
        program = stage.programs.get(one.work.program)
        look_at = max(one.look_at, stage.begins)
        if look_at < stage.ends:
            heappush(waiting, (look_at, -program.priority if program else 0, next(numbers), one))

    coming = iter(ready)
    following = next(coming, None)
    while following is not None or waiting:
        while following is not None and (not waiting or following.look_at <= waiting[0][0]):
            put(following)
            following = next(coming, None)
        if not waiting:
            continue
        now, _, _, one = heappop(waiting)
        person = _as_of(one, contacts.get(one.work.person), now)
        stage.books.turn_to(now.date())
        decided = decide_one(one.work, person, stage.books, stage.programs, now)
        yield now, decided
        if decided.request is not None:
            contacts[one.work.person] = now
            stage.books.write(one.work.program, person, now)
        if decided.decision.outcome is Outcome.POSTPONED and decided.decision.next_eligible_at is not None:
            put(replace(one, look_at=decided.decision.next_eligible_at))
        else:
            stage.books.unplan(one.work)
        if decided.next_turn is not None:
            turn = replace(one, look_at=decided.next_turn.due_at, work=_work(decided.next_turn))
            stage.books.plan(turn.work, stage.programs)
            put(turn)


def foresee(ready: Iterable[Ready], stage: Stage) -> None:
    """Writes down all that is planned, so that what is less important can leave it its time."""
    for one in ready:
        stage.books.plan(one.work, stage.programs)


def lives_from(lives: Iterable[Life], programs: Programs, begins: datetime) -> list[Ready]:
    """What comes due in these lives from a time on, sorted as `play` takes it."""
    ready = []
    for life in lives:
        bought, first = purchases(life.happenings)
        whole = replace(life, person=replace(life.person, purchases=bought, first_purchase_at=first))
        before = {plan.key for plan in wanted(whole, programs, begins) if plan.due_at < begins}
        ready += [
            Ready(plan.due_at, _work(plan), life.person, life.happenings)
            for plan in wanted(replace(whole, settled=before), programs, begins)
            if plan.key not in before
        ]
    return sorted(ready, key=lambda one: one.look_at)


def _work(plan: Planned) -> Work:
    return Work(plan.program, plan.occasion, plan.person, plan.due_at, plan.gives_up_at)


def _as_of(one: Ready, contact: datetime | None, now: datetime) -> Person:
    person = one.person if contact is None else replace(one.person, last_contact_at=contact)
    if one.happenings is None:
        return person
    bought, first = purchases(happened for happened in one.happenings if happened.occurred_at <= now)
    return replace(person, purchases=bought, first_purchase_at=first)
