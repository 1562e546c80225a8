"""Makes the due work of people equal to what `planning` wants of it.

The people are locked by the caller. Only what differs is written, so that an event heard of again, or a sweep
over everybody, costs reads.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from schemas.requests import SurveyRequestCancelled
from services.scheduler.facts import Person
from services.scheduler.planning import Life, Planned, places, purchases, wanted
from services.scheduler.programs import Programs
from services.scheduler.rows import PEOPLE_AND_ACCOUNTS, PERSON_COLUMNS, mapping, person_of
from services.scheduler.triggers import Happening, Place

_PEOPLE = """
SELECT {columns} FROM {people}
WHERE people.person = ANY(%b) AND people.merged_into IS NULL
"""
_PEOPLE_SQL = _PEOPLE.format(columns=PERSON_COLUMNS, people=PEOPLE_AND_ACCOUNTS)
_HAPPENED = """
SELECT lifecycle_id, moment, occurred_at, person, account_id, context::text, traceparent
FROM lifecycle_events
WHERE NOT retracted AND """
_HAPPENINGS_SQL = (
    " UNION ALL ".join(
        _HAPPENED + whose
        for whose in (
            "person = ANY(%(people)b)",
            "person IS NULL AND account_id = ANY(%(accounts)b)",
            "person IS NULL AND account_id IS NULL",
        )
    )
    + " ORDER BY occurred_at, lifecycle_id"
)
_WORKS_SQL = """
SELECT person, program, occasion, due_at, look_at, gives_up_at, state, context::text
FROM due_work WHERE person = ANY(%b)
"""
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

_Key = tuple[str, UUID]


class _Standing(NamedTuple):
    """A person's work as it is written."""

    due_at: datetime
    look_at: datetime
    gives_up_at: datetime
    state: str
    context: str


@dataclass(frozen=True, slots=True)
class _Change:
    """What has to change for one person."""

    put: Sequence[Planned]
    drop: Sequence[_Key]
    withdraw: Sequence[_Key]


def replan(
    connection: Connection[Any],
    keys: Collection[str],
    programs: Programs,
    now: datetime,
    *,
    corrected: Collection[UUID] = (),
) -> list[SurveyRequestCancelled]:
    """Plans people anew; returns the requests whose reason was among the `corrected` and does not stand."""
    people = _people(connection, keys)
    if not people:
        return []
    happened, traces = _happenings(connection, people.values())
    works = _works(connection, people)
    changes: dict[str, _Change] = {}
    bought = []
    for key, known in people.items():
        of_person = [happening for place in places(known) for happening in happened[place]]
        person = known
        count, first = purchases(of_person)
        if (count, first) != (known.purchases, known.first_purchase_at):
            bought.append((key, count, first))
            person = replace(known, purchases=count, first_purchase_at=first)
        settled = [work for work, row in works[key].items() if row.state in _SETTLED]
        plans = {plan.key: plan for plan in wanted(Life(person, of_person, settled), programs, now)}
        changes[key] = _change(plans, works[key], now, corrected)
    if bought:
        connection.execute(_PURCHASES_SQL, tuple(map(list, zip(*bought, strict=True))))
    put(connection, [plan for change in changes.values() for plan in change.put], traces)
    _drop(connection, [(*key, person) for person, change in changes.items() for key in change.drop])
    return _withdraw(
        connection, [(*key, person) for person, change in changes.items() for key in change.withdraw], now
    )


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
            [json.dumps(dict(plan.occasion.context)) for plan in plans],
            [traces.get(plan.occasion.id) for plan in plans],
        ),
    )


def _change(
    plans: Mapping[_Key, Planned],
    works: Mapping[_Key, _Standing],
    now: datetime,
    corrected: Collection[UUID],
) -> _Change:
    unwanted = [key for key in works if key not in plans]
    return _Change(
        put=[plan for key, plan in plans.items() if _differs(plan, works.get(key), now)],
        drop=[
            key
            for key in unwanted
            if works[key].state in _OPEN and (works[key].gives_up_at > now or key[1] in corrected)
        ],
        withdraw=[key for key in unwanted if works[key].state == "asked" and key[1] in corrected],
    )


def _differs(plan: Planned, work: _Standing | None, now: datetime) -> bool:
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


def _people(connection: Connection[Any], keys: Collection[str]) -> dict[str, Person]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_PEOPLE_SQL, (list(keys),)).fetchall()
        return {row["person"]: person_of(row) for row in rows}


def _happenings(
    connection: Connection[Any], people: Iterable[Person]
) -> tuple[Mapping[Place, list[Happening]], dict[UUID, str | None]]:
    """By person, by account where there is no person, and by neither for what happened to everybody."""
    people = list(people)
    given: dict[str, list[str]] = {
        "people": [person.key for person in people],
        "accounts": list({person.account_id for person in people if person.account_id is not None}),
    }
    found: dict[Place, list[Happening]] = defaultdict(list)
    traces = {}
    for id_, moment, at, person, account_id, context, traceparent in connection.execute(
        _HAPPENINGS_SQL, given
    ).fetchall():
        happened = Happening(id_, moment, at, person, account_id, mapping(context))
        found[happened.place].append(happened)
        traces[happened.id] = traceparent
    return found, traces


def _works(connection: Connection[Any], keys: Collection[str]) -> Mapping[str, dict[_Key, _Standing]]:
    found: dict[str, dict[_Key, _Standing]] = defaultdict(dict)
    for person, program, occasion, *standing in connection.execute(_WORKS_SQL, (list(keys),)):
        found[person][program, occasion] = _Standing._make(standing)
    return found


def _drop(connection: Connection[Any], dropped: Sequence[tuple[str, UUID, str]]) -> None:
    if dropped:
        connection.execute(_DROP_SQL, tuple(map(list, zip(*dropped, strict=True))))


def _withdraw(
    connection: Connection[Any], withdrawn: Sequence[tuple[str, UUID, str]], now: datetime
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
