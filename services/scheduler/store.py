"""Due work in PostgreSQL: taken, decided upon and settled in one transaction, so no lease can run out."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from services.scheduler.eligibility import Outcome
from services.scheduler.facts import Occasion, Person
from services.scheduler.replanning import put
from services.scheduler.rounds import Decided, Work
from services.scheduler.rows import PEOPLE_AND_ACCOUNTS, PERSON_COLUMNS, mapping, person_of

# Both rows are locked and neither is waited for: a person whom somebody else decides about is left for the
# next round. A row is read anew once it is locked (read committed), so the facts are those under the lock.
_TAKE = """
SELECT work.program, work.occasion, work.occurred_at, work.due_at, work.gives_up_at, work.moment,
       work.context::text AS context, work.traceparent, {columns}
FROM due_work AS work JOIN ({people}) ON people.person = work.person
WHERE work.state = 'pending' AND work.look_at <= %(now)s
ORDER BY work.look_at LIMIT %(limit)s
FOR UPDATE OF work, people SKIP LOCKED
"""
_TAKE_SQL = _TAKE.format(columns=PERSON_COLUMNS, people=PEOPLE_AND_ACCOUNTS)
_SETTLE_SQL = """
UPDATE due_work AS work SET state = given.state, look_at = coalesce(given.look_at, work.look_at)
FROM unnest(%b::text[], %b::uuid[], %b::text[], %b::text[], %b::timestamptz[])
     AS given (program, occasion, person, state, look_at)
WHERE work.program = given.program AND work.occasion = given.occasion AND work.person = given.person
"""
_KEEP_SQL = """
INSERT INTO decisions (decided_at, person, program, occasion, outcome, gate, fact, next_eligible_at)
SELECT %s, person, program, occasion, outcome, gate, fact::jsonb, next_eligible_at
FROM unnest(%b::text[], %b::text[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::timestamptz[])
     AS given (person, program, occasion, outcome, gate, fact, next_eligible_at)
"""
_REQUEST_SQL = """
INSERT INTO requests (request_id, version, program, occasion, person, account_id, contacted_at,
                      asked_on_channel_at, closes_at, next_step_at, request)
SELECT request_id, 1, program, occasion, person, account_id, %(now)s, %(now)s, closes_at, next_step_at,
       request::jsonb
FROM unnest(%(ids)b::uuid[], %(programs)b::text[], %(occasions)b::uuid[], %(people)b::text[],
            %(accounts)b::text[], %(closes)b::timestamptz[], %(next_steps)b::timestamptz[],
            %(requests)b::text[])
     AS given (request_id, program, occasion, person, account_id, closes_at, next_step_at, request)
ON CONFLICT (request_id) DO NOTHING
"""
_RUN_CLOCK_SQL = """
UPDATE people SET last_contact_at = greatest(last_contact_at, %s) WHERE person = ANY(%b)
"""
_COUNT_SQL = """
INSERT INTO asked_counts AS known (day, program, segment, asked)
SELECT %s, program, segment, count(*) FROM unnest(%s::text[], %s::text[]) AS given (program, segment)
GROUP BY program, segment
ON CONFLICT (day, program, segment) DO UPDATE SET asked = known.asked + excluded.asked
"""
_OLDEST_SQL = "SELECT min(look_at) FROM due_work WHERE state = 'pending'"
_STANDING_SQL = "SELECT coalesce(merged_into, person) FROM people WHERE person = %s"
_EXPLAIN_SQL = """
SELECT program, occasion, outcome, gate, fact, decided_at, next_eligible_at
FROM decisions WHERE person = %(person)s AND program = coalesce(%(program)s, program)
ORDER BY id DESC LIMIT %(limit)s
"""
_WAITING_SQL = """
SELECT program, occasion, state, due_at, look_at, gives_up_at
FROM due_work WHERE person = %(person)s AND program = coalesce(%(program)s, program)
ORDER BY due_at DESC LIMIT %(limit)s
"""
EXPLAINED = 100
"""Decisions and pieces of work shown of one person, newest first."""


def take_due(
    connection: Connection[Any], now: datetime, *, limit: int
) -> tuple[list[Work], dict[str, Person]]:
    """At most `limit` pieces of due work and the people they are about, locked until the transaction ends."""
    works, people = [], {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_TAKE_SQL, {"now": now, "limit": limit}).fetchall():
            works.append(work_of(row))
            people[row["person"]] = person_of(row)
    return works, people


def settle(
    connection: Connection[Any], decided: Sequence[Decided], people: Mapping[str, Person], now: datetime
) -> None:
    """Writes what was decided: the reasons, the requests, the clocks, the next turns, when to look again."""
    _keep_reasons(connection, decided, now)
    connection.execute(
        _SETTLE_SQL,
        (
            [done.work.program for done in decided],
            [done.work.occasion.id for done in decided],
            [done.work.person for done in decided],
            [_STATES[done.decision.outcome] for done in decided],
            [_look_at(done) for done in decided],
        ),
    )
    put(connection, [done.next_turn for done in decided if done.next_turn is not None], {})
    asked = [done for done in decided if done.request is not None]
    if asked:
        _keep_requests(connection, asked, people, now)


def oldest_due(connection: Connection[Any]) -> datetime | None:
    """When the first pending piece of work is to be looked at; None without one."""
    row = connection.execute(_OLDEST_SQL).fetchone()
    return row[0] if row else None


def explain(
    connection: Connection[Any], person: str, program: str | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What was decided about a person, by one program or all, and what is planned; newest first.

    Of a key that was merged: about whom it stands for now.
    """
    standing = connection.execute(_STANDING_SQL, (person,)).fetchone()
    wanted = {"person": standing[0] if standing else person, "program": program, "limit": EXPLAINED}
    with connection.cursor(row_factory=dict_row) as cursor:
        decisions = cursor.execute(_EXPLAIN_SQL, wanted).fetchall()
        return decisions, cursor.execute(_WAITING_SQL, wanted).fetchall()


def work_of(row: Mapping[str, Any]) -> Work:
    """A row of due work."""
    return Work(
        program=row["program"],
        occasion=Occasion(row["occasion"], row["occurred_at"], mapping(row["context"]), row["moment"]),
        person=row["person"],
        due_at=row["due_at"],
        gives_up_at=row["gives_up_at"],
        traceparent=row["traceparent"],
    )


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
            [json.dumps(dict(done.decision.fact)) for done in decided],
            [done.decision.next_eligible_at for done in decided],
        ),
    )


def _keep_requests(
    connection: Connection[Any], asked: Sequence[Decided], people: Mapping[str, Person], now: datetime
) -> None:
    requests = [done.request for done in asked if done.request is not None]
    keys = [done.work.person for done in asked]
    programs = [done.work.program for done in asked]
    connection.execute(
        _REQUEST_SQL,
        {
            "now": now,
            "ids": [request.request_id for request in requests],
            "programs": programs,
            "occasions": [done.work.occasion.id for done in asked],
            "people": keys,
            "accounts": [request.account_id for request in requests],
            "closes": [request.closes_at for request in requests],
            "next_steps": [done.next_step_at for done in asked],
            "requests": [request.model_dump_json() for request in requests],
        },
    )
    connection.execute(_RUN_CLOCK_SQL, (now, keys))
    segments = [people[key].segment or "" for key in keys]
    connection.execute(_COUNT_SQL, (now.date(), programs, segments))


_STATES: Mapping[Outcome, str] = {
    Outcome.ASKED: "asked",
    Outcome.POSTPONED: "pending",
    Outcome.SKIPPED: "skipped",
}


def _look_at(done: Decided) -> datetime | None:
    return done.decision.next_eligible_at if done.decision.outcome is Outcome.POSTPONED else None
