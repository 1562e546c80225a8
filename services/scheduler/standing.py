"""Reads what plans of people are made from: who they are, what happened to them and what stands planned.

Within a pipeline questions are sent before the answers are needed, so that PostgreSQL looks while we think.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import args_row

from services.scheduler.rows import PEOPLE_AND_ACCOUNTS, PERSON_COLUMNS, PersonRow, mapping
from services.scheduler.triggers import Happening

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

WorkKey = tuple[str, UUID]
"""Program and occasion: what tells a person's pieces of work from each other."""


class Standing(NamedTuple):
    """A person's work as it is written."""

    due_at: datetime
    look_at: datetime
    gives_up_at: datetime
    state: str
    context: str


Works = Mapping[str, Mapping[WorkKey, Standing]]
"""By person; who has none is not in it."""


class Happened:
    """What happened to some people, to their accounts and to everybody, each in order."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self.traces: dict[UUID, str | None] = {}
        """By what happened, the trace in which it was heard."""
        self._to_people: dict[str, list[Happening]] = defaultdict(list)
        self._to_accounts: dict[str | None, list[Happening]] = defaultdict(list)
        for id_, moment, at, person, account_id, context, traceparent in rows:
            one = Happening(id_, moment, at, person, account_id, mapping(context))
            self.traces[id_] = traceparent
            (self._to_people[person] if person else self._to_accounts[account_id]).append(one)

    def to(self, person: PersonRow) -> Sequence[Happening]:
        """What concerns one of them."""
        own = self._to_people.get(person.person, [])
        if not self._to_accounts:
            return own
        shared = self._to_accounts.get(None, []) if person.account_id is not None else []
        return [*own, *self._to_accounts.get(person.account_id, []), *shared]


@dataclass(frozen=True, slots=True)
class Questions:
    """On their way to PostgreSQL."""

    happened: Cursor[Any]
    works: Cursor[Any]

    def answers(self) -> tuple[Happened, Works]:
        """What happened, and the work of each person who has any; waits for it."""
        happened = Happened(self.happened.fetchall())
        works: dict[str, dict[WorkKey, Standing]] = defaultdict(dict)
        for person, program, occasion, *standing in self.works.fetchall():
            works[person][program, occasion] = Standing._make(standing)
        return happened, works


def people_of(connection: Connection[Any], keys: Collection[str]) -> list[PersonRow]:
    """Those of the people who stand for themselves."""
    with connection.cursor(row_factory=args_row(PersonRow)) as cursor:
        return cursor.execute(_PEOPLE_SQL, (list(keys),)).fetchall()


def ask(connection: Connection[Any], people: Sequence[PersonRow]) -> Questions:
    """Asks what happened to people and what is planned for them."""
    keys = [one.person for one in people]
    accounts = list({one.account_id for one in people if one.account_id is not None})
    return Questions(
        connection.execute(_HAPPENINGS_SQL, {"people": keys, "accounts": accounts}),
        connection.execute(_WORKS_SQL, (keys,)),
    )
