"""Due work in PostgreSQL: taken, decided upon and settled in one transaction, so no lease can run out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from services.scheduler.eligibility import Outcome
from services.scheduler.facts import Occasion, Person
from services.scheduler.programs import Channel
from services.scheduler.rounds import Decided, Work

# Both rows are locked and neither is waited for: a person whom somebody else decides about is left for the
# next round. A row is read anew once it is locked (read committed), so the facts are those under the lock.
_TAKE_SQL = """
SELECT work.program, work.occasion, work.occurred_at, work.due_at, happened.context, happened.traceparent,
       people.person, people.account_id, people.language, people.address_mark, people.bounced_mark,
       people.internal, people.refuses_all, people.refuses, people.unsubscribed_at, people.erased_at,
       people.last_contact_at
FROM due_work AS work
JOIN people ON people.person = work.person
LEFT JOIN lifecycle_events AS happened ON happened.lifecycle_id = work.occasion
WHERE work.state = 'pending' AND work.look_at <= %(now)s
ORDER BY work.look_at LIMIT %(limit)s
FOR UPDATE OF work, people SKIP LOCKED
"""
_SETTLE_SQL = """
UPDATE due_work AS work SET state = given.state, look_at = coalesce(given.look_at, work.look_at)
FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::timestamptz[])
     AS given (program, occasion, state, look_at)
WHERE work.program = given.program AND work.occasion = given.occasion
"""
_KEEP_SQL = """
INSERT INTO decisions (decided_at, person, program, occasion, outcome, gate, fact, next_eligible_at)
SELECT %s, given.*
FROM unnest(%s::text[], %s::text[], %s::uuid[], %s::text[], %s::text[], %s::jsonb[], %s::timestamptz[])
     AS given
"""
_REQUEST_SQL = """
INSERT INTO requests (request_id, version, program, occasion, person, contacted_at)
SELECT request_id, 1, program, occasion, person, %s
FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[]) AS given (request_id, program, occasion, person)
"""
_RUN_CLOCK_SQL = """
UPDATE people SET last_contact_at = greatest(last_contact_at, %s) WHERE person = ANY(%s)
"""
_OLDEST_SQL = "SELECT min(look_at) FROM due_work WHERE state = 'pending'"
_EXPLAIN_SQL = """
SELECT program, occasion, outcome, gate, fact, decided_at, next_eligible_at
FROM decisions WHERE person = %(person)s ORDER BY id DESC LIMIT %(limit)s
"""
_WAITING_SQL = """
SELECT program, occasion, state, due_at, look_at, gives_up_at
FROM due_work WHERE person = %(person)s ORDER BY due_at DESC LIMIT %(limit)s
"""
EXPLAINED = 100
"""Decisions and pieces of work shown of one person, newest first."""


def take_due(
    connection: Connection[Any], now: datetime, *, limit: int
) -> tuple[list[Work], dict[str, Person]]:
    """At most `limit` pieces of due work and the people they are about, locked until the transaction ends."""
    works, people = [], {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_TAKE_SQL, {"now": now, "limit": limit}):
            works.append(_work(row))
            people[row["person"]] = _person(row)
    return works, people


def settle(connection: Connection[Any], decided: Sequence[Decided], now: datetime) -> None:
    """Writes what was decided: the reasons, the requests, the clocks, and when to look again."""
    _keep_reasons(connection, decided, now)
    connection.execute(
        _SETTLE_SQL,
        (
            [done.work.program for done in decided],
            [done.work.occasion.id for done in decided],
            [_STATES[done.decision.outcome] for done in decided],
            [_look_at(done) for done in decided],
        ),
    )
    requests = [done.request for done in decided if done.request is not None]
    if requests:
        asked = [done.work for done in decided if done.request is not None]
        people = [work.person for work in asked]
        connection.execute(
            _REQUEST_SQL,
            (
                now,
                [request.request_id for request in requests],
                [work.program for work in asked],
                [work.occasion.id for work in asked],
                people,
            ),
        )
        connection.execute(_RUN_CLOCK_SQL, (now, people))


def oldest_due(connection: Connection[Any]) -> datetime | None:
    """When the first pending piece of work is to be looked at; None without one."""
    row = connection.execute(_OLDEST_SQL).fetchone()
    return row[0] if row else None


def explain(connection: Connection[Any], person: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What was decided about a person and what is planned, newest first."""
    wanted: dict[str, str | int] = {"person": person, "limit": EXPLAINED}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_EXPLAIN_SQL, wanted).fetchall(), cursor.execute(
            _WAITING_SQL, wanted
        ).fetchall()


def _keep_reasons(connection: Connection[Any], decided: Sequence[Decided], now: datetime) -> None:
    connection.execute(
        _KEEP_SQL,
        (
            now,
            [done.work.person for done in decided],
            [done.work.program for done in decided],
            [done.work.occasion.id for done in decided],
            [done.decision.outcome for done in decided],
            [done.decision.gate for done in decided],
            [Jsonb(dict(done.decision.fact)) for done in decided],
            [done.decision.next_eligible_at for done in decided],
        ),
    )


_STATES: Mapping[Outcome, str] = {
    Outcome.ASKED: "asked",
    Outcome.POSTPONED: "pending",
    Outcome.SKIPPED: "skipped",
}


def _look_at(done: Decided) -> datetime | None:
    return done.decision.next_eligible_at if done.decision.outcome is Outcome.POSTPONED else None


def _work(row: Mapping[str, Any]) -> Work:
    return Work(
        program=row["program"],
        occasion=Occasion(row["occasion"], row["occurred_at"], row["context"] or {}),
        person=row["person"],
        due_at=row["due_at"],
        traceparent=row["traceparent"],
    )


def _person(row: Mapping[str, Any]) -> Person:
    email = frozenset({Channel.EMAIL})
    mark = row["address_mark"]
    return Person(
        key=row["person"],
        channels=email if mark else frozenset(),
        bounced=email if mark and mark == row["bounced_mark"] else frozenset(),
        refuses_all=row["refuses_all"],
        refuses=frozenset(row["refuses"]),
        unsubscribed_at=row["unsubscribed_at"],
        erased_at=row["erased_at"],
        internal=row["internal"],
        last_contact_at=row["last_contact_at"],
        account_id=row["account_id"],
        language=row["language"],
    )
