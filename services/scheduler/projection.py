"""What the topics say, in PostgreSQL: what happened, answers, survey steps, and the work all this makes due.

Every statement is idempotent and takes a whole batch. The people a batch concerns are locked first, in one
order, so that a decision about a person and a change to the same person never interleave.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from schemas.requests import SurveyRequestCancelled
from schemas.responses import ResponseRecorded
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.scheduler import accounts, people, sweeps
from services.scheduler.intake import (
    CLOSED,
    REACHED,
    REFUSED,
    SEEN,
    UNDELIVERED,
    Batch,
    Happened,
    counts_as_contact,
    earliest,
    is_given,
    latest,
)
from services.scheduler.programs import Programs
from services.scheduler.replanning import replan
from services.scheduler.rows import written

_BEFORE_SQL = "SELECT lifecycle_id, person, account_id FROM lifecycle_events WHERE lifecycle_id = ANY(%b)"
_HAPPENED_SQL = """
INSERT INTO lifecycle_events AS known
SELECT lifecycle_id, revision, tie, mapping, person, account_id, moment, occurred_at, retracted,
       context::jsonb, traceparent
FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::int[], %b::text[], %b::text[], %b::text[],
            %b::timestamptz[], %b::boolean[], %b::text[], %b::text[])
     AS given (lifecycle_id, revision, tie, mapping, person, account_id, moment, occurred_at, retracted,
               context, traceparent)
ON CONFLICT (lifecycle_id) DO UPDATE SET
    order_revision = excluded.order_revision, order_tie = excluded.order_tie,
    order_mapping = excluded.order_mapping, person = excluded.person, account_id = excluded.account_id,
    moment = excluded.moment, occurred_at = excluded.occurred_at, retracted = excluded.retracted,
    context = excluded.context, traceparent = excluded.traceparent
WHERE (known.order_revision, known.order_tie, known.order_mapping)
    < (excluded.order_revision, excluded.order_tie, excluded.order_mapping)
RETURNING lifecycle_id
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
_ANSWERED = """
UPDATE requests SET answered_at = given.at, seen_at = coalesce(seen_at, given.at), released_at = NULL,
    over_at = coalesce(over_at, given.at), next_step_at = NULL
"""
_OWN_ANSWERS_SQL = (
    _ANSWERED
    + """
FROM unnest(%s::uuid[], %s::timestamptz[]) AS given (request_id, at)
WHERE requests.request_id = given.request_id AND requests.answered_at IS NULL
RETURNING person
"""
)
# Vendors do not tell which request they sent: what comes from the person while one is open is its answer.
_FROM_VENDORS = """
FROM (SELECT open.request_id, min(said.at) AS at
      FROM unnest(%s::text[], %s::timestamptz[]) AS said (person, at)
      JOIN requests AS open ON open.person = said.person
      WHERE open.answered_at IS NULL AND open.request->>'channel' = 'webhook'
        AND open.asked_on_channel_at <= said.at AND said.at < open.closes_at
      GROUP BY open.request_id) AS given
WHERE requests.request_id = given.request_id
RETURNING requests.person
"""
_VENDORS_ANSWERS_SQL = _ANSWERED + _FROM_VENDORS
_SEEN_SQL = """
UPDATE requests SET seen_at = given.at, released_at = NULL
FROM unnest(%s::uuid[], %s::timestamptz[]) AS given (request_id, at)
WHERE requests.request_id = given.request_id AND seen_at IS NULL
RETURNING person
"""
_CLOSED_SQL = """
UPDATE requests SET over_at = given.at, next_step_at = NULL
FROM unnest(%s::uuid[], %s::timestamptz[]) AS given (request_id, at)
WHERE requests.request_id = given.request_id AND over_at IS NULL
RETURNING person
"""
# What the request needs then is decided when its next step is taken, at once.
_UNDELIVERED_SQL = """
UPDATE requests SET undelivered = given.step, next_step_at = given.at
FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[], %s::text[]) AS given (request_id, at, step, channel)
WHERE requests.request_id = given.request_id AND requests.seen_at IS NULL AND undelivered IS NULL
  AND released_at IS NULL AND (request IS NULL OR request->>'channel' = given.channel)
RETURNING person
"""
_REACHED_SQL = """
UPDATE requests SET contacted_at = given.at
FROM unnest(%s::uuid[], %s::timestamptz[]) AS given (request_id, at)
WHERE requests.request_id = given.request_id AND requests.contacted_at < given.at
RETURNING person
"""
# Shown for the first time after a reminder: the person hears of the survey only now.
_REMINDED_SQL = """
UPDATE requests SET contacted_at = given.at
FROM unnest(%s::uuid[], %s::timestamptz[]) AS given (request_id, at)
WHERE requests.request_id = given.request_id AND requests.contacted_at < given.at AND seen_at IS NULL
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
CLOCK_SQL = """
UPDATE people SET last_contact_at = greatest(
    (SELECT max(contacted_at) FROM requests WHERE requests.person = people.person AND released_at IS NULL),
    (SELECT max(answered_at) FROM answers WHERE answers.person = people.person AND counts))
WHERE person = ANY(%s)
"""


def take_in(
    connection: Connection[Any], batch: Batch, programs: Programs, now: datetime
) -> list[SurveyRequestCancelled]:
    """Writes a batch; returns the requests whose reason was taken back and that nobody has answered yet."""
    about_everybody = batch.is_about_everybody()
    accounts.hold_everybody(connection, alone=about_everybody)
    before = _before(connection, batch.happened)
    left_accounts = {account for person, account in before.values() if person is None and account is not None}
    members = accounts.lock(
        connection, changed=batch.changed_accounts() | left_accounts, joined=batch.joined_accounts()
    )
    left_people = {person for person, _ in before.values() if person is not None}
    winners = people.lock(connection, {*batch.people(), *members, *left_people})
    people.erase(connection, batch.erased.values())
    changed_accounts = accounts.put(connection, batch.accounts.values())
    changed = people.put_profiles(connection, batch.profiles.values())
    changed |= people.fold_merged(connection, batch.merges(), winners)
    newer = _put_happened(connection, batch.happened, winners)
    clocks = _put_answers(connection, batch.answers.values(), winners) | _put_steps(
        connection, batch.steps, winners
    )
    people.forget_late(connection, {winners[person] for person in winners.erased | batch.erased.keys()})
    if changed | clocks:
        connection.execute(CLOCK_SQL, (sorted(changed | clocks),))
    if any(batch.happened[one].is_everybodys for one in newer):
        sweeps.begin(connection, "something happened to everybody")
    concerned = [before[one][0] for one in newer & before.keys()]
    concerned += [batch.happened[one].person for one in newer]
    changed |= clocks | {winners[person] for person in concerned if person is not None}
    if changed_accounts or any(batch.happened[one].person is None for one in newer):
        changed |= set(members)
    return replan(connection, changed, programs, now, corrected=newer)


def _before(
    connection: Connection[Any], happened: Collection[UUID]
) -> dict[UUID, tuple[str | None, str | None]]:
    """Person and account that the batch's events were about so far: a correction can move one."""
    if not happened:
        return {}
    rows = connection.execute(_BEFORE_SQL, (list(happened),))
    return {one: (person, account) for one, person, account in rows}


def _put_happened(
    connection: Connection[Any], happened: dict[UUID, Happened], winners: people.Winners
) -> set[UUID]:
    """Writes what is newer than what is known; returns its ids."""
    events = happened.values()
    if not events:
        return set()
    rows = connection.execute(
        _HAPPENED_SQL,
        (
            [event.id for event in events],
            *_orders(event.order for event in events),
            [winners[event.person] if event.person else None for event in events],
            [event.account_id for event in events],
            [event.moment for event in events],
            [event.occurred_at for event in events],
            [event.retracted for event in events],
            [written(event.context) for event in events],
            [event.traceparent for event in events],
        ),
    )
    return {one for (one,) in rows}


def _put_answers(
    connection: Connection[Any], answers: Collection[ResponseRecorded], winners: people.Winners
) -> set[str]:
    own = [answer for answer in answers if answer.request_id is not None and is_given(answer)]
    others = [answer for answer in answers if answer.request_id is None]
    given = [answer for answer in others if is_given(answer)]
    first = earliest((answer.request_id, answer.responded_at) for answer in own)
    changed = _whose(connection, _OWN_ANSWERS_SQL, list(first), list(first.values()))
    changed |= _whose(
        connection,
        _VENDORS_ANSWERS_SQL,
        [winners[answer.person_key] for answer in given],
        [answer.responded_at for answer in given],
    )
    return changed | _whose(
        connection,
        _ANSWERS_SQL,
        [answer.response_id for answer in others],
        *_orders(answer.order.key() for answer in others),
        [winners[answer.person_key] for answer in others],
        [answer.responded_at for answer in others],
        [counts_as_contact(answer) for answer in others],
    )


def _put_steps(
    connection: Connection[Any], steps: Sequence[SurveyStepOccurred], winners: people.Winners
) -> set[str]:
    changed = set()
    of_surveys = [step for step in steps if step.reminder == 0]
    reached = ((step.request_id, step.occurred_at) for step in of_surveys if step.step in REACHED)
    for statement, times in (
        (_REACHED_SQL, latest(reached)),
        (_REMINDED_SQL, _first(step for step in steps if step.reminder and step.step is SurveyStep.SHOWN)),
        (_SEEN_SQL, _first(step for step in steps if step.step in SEEN)),
        (_CLOSED_SQL, _first(step for step in steps if step.step in CLOSED)),
    ):
        changed |= _whose(connection, statement, list(times), list(times.values()))
    # A bounce that follows a suppression, or the other way about, says nothing new.
    lost = {
        (step.request_id, step.channel): step
        for step in sorted(of_surveys, key=lambda step: step.occurred_at, reverse=True)
        if step.step in UNDELIVERED
    }
    changed |= _whose(
        connection,
        _UNDELIVERED_SQL,
        [step.request_id for step in lost.values()],
        [step.occurred_at for step in lost.values()],
        [step.step for step in lost.values()],
        [step.channel for step in lost.values()],
    )
    bounced = [winners[step.person_key] for step in steps if step.step is SurveyStep.BOUNCED]
    refused = earliest((winners[step.person_key], step.occurred_at) for step in steps if step.step in REFUSED)
    changed |= _whose(connection, _BOUNCED_SQL, bounced)
    return changed | _whose(connection, _REFUSED_SQL, list(refused), list(refused.values()))


def _first(steps: Iterable[SurveyStepOccurred]) -> dict[UUID, datetime]:
    return earliest((step.request_id, step.occurred_at) for step in steps)


def _whose(connection: Connection[Any], statement: LiteralString, *columns: Sequence[object]) -> set[str]:
    """Runs a statement with arrays, if they are not empty; the people whose facts it changed.

    Each row may be named once: which of two `UPDATE ... FROM` takes is up to PostgreSQL's plan.
    """
    if not columns[0]:
        return set()
    return {person for (person,) in connection.execute(statement, columns)}


def _orders(keys: Iterable[tuple[int, int, int]]) -> tuple[list[int], list[int], list[int]]:
    given = list(keys)
    return [key[0] for key in given], [key[1] for key in given], [key[2] for key in given]
