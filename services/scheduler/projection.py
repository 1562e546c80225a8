"""What the topics say, in PostgreSQL: what happened to people, their answers, and the work this makes due.

Every statement is idempotent and takes a whole batch. The people a batch speaks of are locked first, in one
order, so that a decision about a person and a change to the same person never interleave.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from schemas.lifecycle import LifecycleEventOccurred
from schemas.requests import SurveyRequestCancelled
from schemas.responses import ResponseRecorded
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.scheduler import people
from services.scheduler.intake import (
    Batch,
    Planned,
    counts_as_contact,
    plans,
    reaches,
    refuses,
    releases,
)
from services.scheduler.programs import Programs

_LIFECYCLE_SQL = """
INSERT INTO lifecycle_events AS known
SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[],
                     %s::timestamptz[], %s::boolean[], %s::jsonb[], %s::text[])
ON CONFLICT (lifecycle_id) DO UPDATE SET
    order_revision = excluded.order_revision, order_tie = excluded.order_tie,
    order_mapping = excluded.order_mapping, person = excluded.person, account_id = excluded.account_id,
    moment = excluded.moment, occurred_at = excluded.occurred_at, retracted = excluded.retracted,
    context = excluded.context, traceparent = excluded.traceparent
WHERE (known.order_revision, known.order_tie, known.order_mapping)
    < (excluded.order_revision, excluded.order_tie, excluded.order_mapping)
RETURNING lifecycle_id, xmax <> 0 AS is_corrected
"""
_DROP_WORK_SQL = """
UPDATE due_work SET state = 'cancelled'
WHERE occasion = ANY(%s) AND state IN ('pending', 'skipped')
  AND (program, occasion) NOT IN (SELECT * FROM unnest(%s::text[], %s::uuid[]))
"""
# What was asked once stays asked, whatever is corrected afterwards.
_PLAN_SQL = """
INSERT INTO due_work AS known (program, occasion, person, occurred_at, due_at, look_at, gives_up_at, state)
SELECT program, occasion, person, occurred_at, due_at, due_at, gives_up_at, 'pending'
FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
     AS given (program, occasion, person, occurred_at, due_at, gives_up_at)
ON CONFLICT (program, occasion) DO UPDATE SET
    person = excluded.person, occurred_at = excluded.occurred_at, due_at = excluded.due_at,
    look_at = excluded.look_at, gives_up_at = excluded.gives_up_at, state = 'pending'
WHERE known.state <> 'asked'
"""
_CANCEL_REQUESTS_SQL = """
UPDATE requests SET version = version + 1, cancelled_at = %s
WHERE occasion = ANY(%s) AND cancelled_at IS NULL AND answered_at IS NULL
  AND (program, occasion) NOT IN (SELECT * FROM unnest(%s::text[], %s::uuid[]))
RETURNING request_id, version, person, program
"""
_ANSWERS_SQL = """
INSERT INTO answers AS known
SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::int[], %s::text[],
                     %s::timestamptz[], %s::boolean[])
ON CONFLICT (response_id) DO UPDATE SET
    order_revision = excluded.order_revision, order_tie = excluded.order_tie,
    order_mapping = excluded.order_mapping, person = excluded.person, answered_at = excluded.answered_at,
    counts = excluded.counts
WHERE (known.order_revision, known.order_tie, known.order_mapping)
    < (excluded.order_revision, excluded.order_tie, excluded.order_mapping)
RETURNING person
"""
# An answer proves that the survey was seen, whatever was reported before.
_OWN_ANSWERS_SQL = """
UPDATE requests SET answered_at = given.answered_at, released_at = NULL
FROM unnest(%s::uuid[], %s::timestamptz[]) AS given (request_id, answered_at)
WHERE requests.request_id = given.request_id AND requests.answered_at IS NULL
RETURNING person
"""
_RELEASE_SQL = """
UPDATE requests SET released_at = given.at
FROM unnest(%s::uuid[], %s::timestamptz[]) AS given (request_id, at)
WHERE requests.request_id = given.request_id AND released_at IS NULL AND answered_at IS NULL
RETURNING person
"""
_REACHED_SQL = """
UPDATE requests SET contacted_at = given.at
FROM (SELECT request_id, max(at) AS at FROM unnest(%s::uuid[], %s::timestamptz[]) AS step (request_id, at)
      GROUP BY request_id) AS given
WHERE requests.request_id = given.request_id AND requests.contacted_at < given.at
RETURNING person
"""
_BOUNCED_SQL = """
UPDATE people SET bounced_mark = address_mark
WHERE person = ANY(%s) AND bounced_mark IS DISTINCT FROM address_mark RETURNING person
"""
_REFUSED_SQL = """
UPDATE people SET unsubscribed_at = given.at
FROM unnest(%s::text[], %s::timestamptz[]) AS given (person, at)
WHERE people.person = given.person AND unsubscribed_at IS NULL
RETURNING people.person
"""
_CLOCK_SQL = """
UPDATE people SET last_contact_at = greatest(
    (SELECT max(contacted_at) FROM requests WHERE requests.person = people.person AND released_at IS NULL),
    (SELECT max(answered_at) FROM answers WHERE answers.person = people.person AND counts))
WHERE person = ANY(%s)
"""
_LOOK_AGAIN_SQL = """
UPDATE due_work SET state = 'pending', look_at = due_at
WHERE person = ANY(%s) AND state IN ('pending', 'skipped') AND gives_up_at > %s
  AND (state = 'skipped' OR look_at <> due_at)
"""


def take_in(
    connection: Connection[Any], batch: Batch, programs: Programs, now: datetime
) -> list[SurveyRequestCancelled]:
    """Writes a batch; returns the requests whose reason was taken back and that nobody has answered yet."""
    winners = people.lock(connection, batch.people())
    people.erase(connection, batch.erased.values())
    changed = people.put_profiles(connection, batch.profiles.values())
    changed |= people.fold_merged(connection, batch.merges(), winners)
    cancelled = _put_lifecycle(connection, batch, winners, programs, now)
    changed |= _put_answers(connection, batch.answers.values(), winners)
    changed |= _put_steps(connection, batch.steps, winners)
    if changed:
        connection.execute(_CLOCK_SQL, (sorted(changed),))
        connection.execute(_LOOK_AGAIN_SQL, (sorted(changed), now))
    return cancelled


def _put_lifecycle(
    connection: Connection[Any], batch: Batch, winners: people.Winners, programs: Programs, now: datetime
) -> list[SurveyRequestCancelled]:
    if not batch.lifecycle:
        return []
    given = batch.lifecycle.values()
    events = [event for event, _ in given]
    newer = connection.execute(
        _LIFECYCLE_SQL,
        (
            [event.lifecycle_id for event in events],
            *_orders(events),
            [winners[event.person_key] if event.person_key else None for event in events],
            [event.account_id for event in events],
            [event.moment for event in events],
            [event.occurred_at for event in events],
            [event.retracted for event in events],
            [Jsonb(event.context) for event in events],
            [traceparent for _, traceparent in given],
        ),
    ).fetchall()
    planned = [plan for occasion, _ in newer for plan in plans(batch.lifecycle[occasion][0], programs)]
    _plan(connection, planned, winners)
    return _drop(connection, [occasion for occasion, is_corrected in newer if is_corrected], planned, now)


def _plan(connection: Connection[Any], planned: Sequence[Planned], winners: people.Winners) -> None:
    if not planned:
        return
    connection.execute(
        _PLAN_SQL,
        (
            [plan.program for plan in planned],
            [plan.occasion for plan in planned],
            [winners[plan.person] for plan in planned],
            [plan.occurred_at for plan in planned],
            [plan.due_at for plan in planned],
            [plan.gives_up_at for plan in planned],
        ),
    )


def _drop(
    connection: Connection[Any], corrected: Sequence[UUID], planned: Sequence[Planned], now: datetime
) -> list[SurveyRequestCancelled]:
    """Cancels whatever corrected events no longer call for."""
    if not corrected:
        return []
    wanted = ([plan.program for plan in planned], [plan.occasion for plan in planned])
    connection.execute(_DROP_WORK_SQL, (corrected, *wanted))
    return [
        SurveyRequestCancelled(
            request_id=request_id,
            version=version,
            person_key=person,
            program=program,
            reason="what made it due was taken back",
            cancelled_at=now,
        )
        for request_id, version, person, program in connection.execute(
            _CANCEL_REQUESTS_SQL, (now, corrected, *wanted)
        )
    ]


def _put_answers(
    connection: Connection[Any], answers: Collection[ResponseRecorded], winners: people.Winners
) -> set[str]:
    own = [answer for answer in answers if answer.request_id is not None]
    others = [answer for answer in answers if answer.request_id is None]
    return _whose(
        connection,
        _OWN_ANSWERS_SQL,
        [answer.request_id for answer in own],
        [answer.responded_at for answer in own],
    ) | _whose(
        connection,
        _ANSWERS_SQL,
        [answer.response_id for answer in others],
        *_orders(others),
        [winners[answer.person_key] for answer in others],
        [answer.responded_at for answer in others],
        [counts_as_contact(answer) for answer in others],
    )


def _put_steps(
    connection: Connection[Any], steps: Sequence[SurveyStepOccurred], winners: people.Winners
) -> set[str]:
    changed = set()
    for statement, happened in ((_REACHED_SQL, reaches), (_RELEASE_SQL, releases)):
        chosen = [step for step in steps if happened(step.step)]
        changed |= _whose(
            connection,
            statement,
            [step.request_id for step in chosen],
            [step.occurred_at for step in chosen],
        )
    bounced = [winners[step.person_key] for step in steps if step.step is SurveyStep.BOUNCED]
    refused = {winners[step.person_key]: step.occurred_at for step in steps if refuses(step.step)}
    changed |= _whose(connection, _BOUNCED_SQL, bounced)
    return changed | _whose(connection, _REFUSED_SQL, list(refused), list(refused.values()))


def _whose(connection: Connection[Any], statement: LiteralString, *columns: Sequence[object]) -> set[str]:
    """Runs a statement with arrays, if they are not empty; the people whose facts it changed."""
    if not columns[0]:
        return set()
    return {person for (person,) in connection.execute(statement, columns)}


def _orders(
    records: Iterable[LifecycleEventOccurred | ResponseRecorded],
) -> tuple[list[int], list[int], list[int]]:
    keys = [record.order.key() for record in records]
    return [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]
