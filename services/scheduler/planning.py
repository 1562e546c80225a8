"""What a person's life so far makes due: the occasions that programs ask about, with their dates. Pure.

The answer is always the whole of it. Whoever keeps due work makes it equal to this, so that events in any
order, late, repeated, corrected or taken back end in the same plan.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from schemas.lifecycle import Moment
from services.scheduler.audience import Known
from services.scheduler.facts import Occasion, Person
from services.scheduler.program import Program
from services.scheduler.programs import Programs
from services.scheduler.triggers import Asking, Happening, Place

_PURCHASED = str(Moment.PURCHASED)
LATE = timedelta(days=90)
"""An occasion that was over when it was heard of is decided, and so explained, within this time; then it is
history."""


class Planned(NamedTuple):
    """A program wants to ask a person about an occasion."""

    program: str
    occasion: Occasion
    person: str
    due_at: datetime
    gives_up_at: datetime

    @property
    def key(self) -> tuple[str, UUID]:
        """What tells it from everything else that is planned for the person."""
        return self.program, self.occasion.id


def places(person: Person) -> set[Place]:
    """Where that happens which concerns a person."""
    return {(person.key, None), (None, person.account_id), (None, None)}


def purchases(happenings: Iterable[Happening]) -> tuple[int, datetime | None]:
    """How often was bought, and when first."""
    at = [happened.occurred_at for happened in happenings if happened.moment == _PURCHASED]
    return len(at), min(at) if at else None


@dataclass(frozen=True, slots=True)
class Life:
    """A person's life as far as it is known."""

    person: Person
    happenings: Sequence[Happening]
    """What happened to the person, the account and everybody, and was not taken back."""
    settled: Collection[tuple[str, UUID]] = ()
    """Keys of plans that were decided: the next turn of a recurring program follows those."""


def wanted(life: Life, programs: Programs, now: datetime) -> list[Planned]:
    """All that programs want to ask a person about, as far as it is not long past."""
    happened = frozenset([one.moment for one in life.happenings])
    known = Known(life.person, now)
    plans: list[Planned] = []
    for program in programs.that_ask_after(happened):
        plans += _of_program(program, life, programs, known, now)
    return plans


def following(program: Program, person: Person, programs: Programs, plan: Planned) -> Planned | None:
    """The turn of a recurring program after one that is decided; None where it has no turns."""
    if not program.trigger.RECURS:
        return None
    asking = _asking(program, Life(person, ()), programs, plan.occasion.occurred_at)
    return next(
        planned
        for occasion in program.trigger.occasions(asking)
        if (planned := _planned(program, person, occasion)).due_at > plan.due_at
    )


def _of_program(
    program: Program, life: Life, programs: Programs, known: Known, now: datetime
) -> Iterator[Planned]:
    person, since = life.person, now - program.reach
    if not program.trigger.RECURS:
        for occasion in program.trigger.occasions(_asking(program, life, programs, since - LATE)):
            yield _planned(program, person, occasion)
    elif _may_belong(program, person, known):
        for occasion in program.trigger.occasions(_asking(program, life, programs, since)):
            plan = _planned(program, person, occasion)
            if plan.gives_up_at > now:
                yield plan
                if plan.key not in life.settled:
                    return


def _asking(program: Program, life: Life, programs: Programs, since: datetime) -> Asking:
    person = life.person
    is_contact = not program.contacts or person.facts.get("role") in program.contacts
    return Asking(person, is_contact, life.happenings, since, programs.zone)


def _planned(program: Program, person: Person, occasion: Occasion) -> Planned:
    due_at = program.due_at(occasion.occurred_at, person.key)
    return Planned(program.id, occasion, person.key, due_at, program.gives_up_at(due_at))


def _may_belong(program: Program, person: Person, known: Known) -> bool:
    """Whether a turn need be planned: not for those whom only another event could bring into the audience."""
    if person.erased_at or person.internal or person.refuses_all:
        return False
    if program.audience is None or program.audience_changes_with_time:
        return True
    try:
        return known.holds(program.audience)
    except ValueError:
        return False
