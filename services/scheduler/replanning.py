"""Makes the due work of people equal to what `planning` wants of it.

The people are locked by the caller. Only what differs is written, so that an event heard of again, or a sweep
over everybody, costs reads.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from runtime.postgres import columns
from schemas.requests import SurveyRequestCancelled
from services.scheduler.planning import Life, Planned, purchases, wanted
from services.scheduler.programs import Programs
from services.scheduler.rows import PersonRow, mapping, written
from services.scheduler.standing import Happened, Standing, WorkKey, Works, ask, people_of
from services.scheduler.triggers import Happening

_PURCHASES_SQL = """
UPDATE people SET purchases = given.purchases, first_purchase_at = given.first_purchase_at
FROM unnest(%b::text[], %b::int[], %b::timestamptz[]) AS given (person, purchases, first_purchase_at)
WHERE people.person = given.person
"""
# What was asked once stays asked, whatever is corrected afterwards.
PUT_SQL = """
INSERT INTO due_work AS known (program, occasion, person, occurred_at, due_at, look_at, gives_up_at, state,
                               moment, context, traceparent)
SELECT program, occasion, person, occurred_at, due_at, due_at, gives_up_at, 'pending', moment, context::jsonb,
       traceparent
FROM unnest(%b::text[], %b::uuid[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[],
            %b::text[], %b::text[], %b::text[])
     AS given (program, occasion, person, occurred_at, due_at, gives_up_at, moment, context, traceparent)
ON CONFLICT (program, occasion, person) DO UPDATE SET
    occurred_at = excluded.occurred_at, due_at = excluded.due_at, look_at = excluded.look_at,
    gives_up_at = excluded.gives_up_at, state = 'pending', moment = excluded.moment,
    context = excluded.context, traceparent = excluded.traceparent
WHERE known.state <> 'asked'
"""
_DROP_SQL = """
UPDATE due_work SET state = 'cancelled'
FROM unnest(%s::text[], %s::uuid[], %s::text[]) AS given (program, occasion, person)
WHERE due_work.program = given.program AND due_work.occasion = given.occasion
  AND due_work.person = given.person AND state IN ('pending', 'skipped')
"""
_WITHDRAW_SQL = """
UPDATE requests SET version = version + 1, cancelled_at = %(now)s, over_at = coalesce(over_at, %(now)s),
    next_step_at = NULL
FROM unnest(%(programs)s::text[], %(occasions)s::uuid[], %(people)s::text[])
     AS given (program, occasion, person)
WHERE requests.program = given.program AND requests.occasion = given.occasion
  AND requests.person = given.person AND cancelled_at IS NULL AND answered_at IS NULL
RETURNING request_id, version, requests.person, requests.program
"""

_SETTLED = frozenset({"asked", "skipped"})
_OPEN = frozenset({"pending", "skipped"})
_NO_WORKS: Mapping[WorkKey, Standing] = {}
_PART = 500
"""People who are thought about while PostgreSQL writes what came of those before and reads those after."""

_Key = tuple[str, UUID, str]
"""Program, occasion, person."""


@dataclass(frozen=True, slots=True)
class _Planning:
    """How everybody is planned."""

    programs: Programs
    now: datetime
    corrected: Collection[UUID]


class _Changes:
    """What has to change for some people."""

    def __init__(self, traces: Mapping[UUID, str | None]) -> None:
        self.withdraw: list[_Key] = []
        self._traces = traces
        self._put: list[Planned] = []
        self._drop: list[_Key] = []
        self._bought: list[tuple[str, int, datetime | None]] = []

    def add(
        self,
        row: PersonRow,
        happened: Sequence[Happening],
        works: Mapping[WorkKey, Standing],
        planning: _Planning,
    ) -> None:
        """What is wanted of one more person, as far as it differs from what stands."""
        bought, first = purchases(happened)
        if bought != row.purchases or first != row.first_purchase_at:
            self._bought.append((row.person, bought, first))
        settled = [key for key, work in works.items() if work.state in _SETTLED]
        life = Life(row.read(bought, first), happened, settled)
        plans = {plan.key: plan for plan in wanted(life, planning.programs, planning.now)}
        standing = 0
        for key, plan in plans.items():
            work = works.get(key)
            standing += work is not None
            if _differs(plan, work, planning.now):
                self._put.append(plan)
        if standing < len(works):
            self._unwanted(row.person, [one for one in works.items() if one[0] not in plans], planning)

    def _unwanted(self, person: str, works: Iterable[tuple[WorkKey, Standing]], planning: _Planning) -> None:
        for (program, occasion), work in works:
            is_corrected = occasion in planning.corrected
            if work.state in _OPEN and (work.gives_up_at > planning.now or is_corrected):
                self._drop.append((program, occasion, person))
            elif work.state == "asked" and is_corrected:
                self.withdraw.append((program, occasion, person))

    def write(self, connection: Connection[Any]) -> None:
        """Sends all but what is to be withdrawn."""
        if self._bought:
            connection.execute(_PURCHASES_SQL, columns(self._bought))
        put(connection, self._put, self._traces)
        if self._drop:
            connection.execute(_DROP_SQL, columns(self._drop))


def replan(
    connection: Connection[Any],
    keys: Collection[str],
    programs: Programs,
    now: datetime,
    *,
    corrected: Collection[UUID] = (),
) -> list[SurveyRequestCancelled]:
    """Plans people anew; returns the requests whose reason was among the `corrected` and does not stand."""
    planning = _Planning(programs, now, corrected)
    changes = _Changes({})
    withdrawn: list[_Key] = []
    with connection.pipeline():
        for people, happened, works in _in_parts(connection, people_of(connection, keys)):
            changes.write(connection)
            changes = _Changes(happened.traces)
            for person in people:
                changes.add(person, happened.to(person), works.get(person.person, _NO_WORKS), planning)
            withdrawn += changes.withdraw
        changes.write(connection)
    return _withdraw(connection, withdrawn, now)


def _in_parts(
    connection: Connection[Any], people: Sequence[PersonRow]
) -> Iterator[tuple[Sequence[PersonRow], Happened, Works]]:
    """One part of the people after the other; what is asked about the next is answered meanwhile."""
    parts = (people[begin : begin + _PART] for begin in range(0, len(people), _PART))
    asking = ((part, ask(connection, part)) for part in parts)
    asked = next(asking, None)
    while asked is not None:
        part, questions = asked
        happened, works = questions.answers()
        asked = next(asking, None)
        yield part, happened, works


def put(connection: Connection[Any], plans: Sequence[Planned], traces: Mapping[UUID, str | None]) -> None:
    """Writes what is planned, to be looked at when it comes due."""
    if not plans:
        return
    connection.execute(
        PUT_SQL,
        (
            [plan.program for plan in plans],
            [plan.occasion.id for plan in plans],
            [plan.person for plan in plans],
            [plan.occasion.occurred_at for plan in plans],
            [plan.due_at for plan in plans],
            [plan.gives_up_at for plan in plans],
            [plan.occasion.moment for plan in plans],
            [written(plan.occasion.context) for plan in plans],
            [traces.get(plan.occasion.id) for plan in plans],
        ),
    )


def _differs(plan: Planned, work: Standing | None, now: datetime) -> bool:
    """Whether it has to be written, or looked at again because something about the person changed."""
    if work is None:
        return True
    if work.state == "asked":
        return False
    same = (
        work.due_at == plan.due_at
        and work.gives_up_at == plan.gives_up_at
        and mapping(work.context) == plan.occasion.context
    )
    if work.state == "pending":
        return not same or work.look_at != plan.due_at
    return not same or plan.gives_up_at > now


def _withdraw(
    connection: Connection[Any], withdrawn: Sequence[_Key], now: datetime
) -> list[SurveyRequestCancelled]:
    if not withdrawn:
        return []
    given = {
        "now": now,
        "programs": [program for program, _, _ in withdrawn],
        "occasions": [occasion for _, occasion, _ in withdrawn],
        "people": [person for _, _, person in withdrawn],
    }
    return [
        SurveyRequestCancelled(
            request_id=request_id,
            version=version,
            person_key=person,
            program=program,
            reason="what made it due was taken back",
            cancelled_at=now,
        )
        for request_id, version, person, program in connection.execute(_WITHDRAW_SQL, given)
    ]
