"""What the topics say, in PostgreSQL: every person whom a batch concerns is told anew from all that is known.

One batch at a time works on it. So whatever order events come in, and however often, the same facts end as
the same rows and the same bits.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection

from schemas.classified import ResponseClassified
from schemas.corrections import ClassificationCorrected
from services.insights import bitmaps, people
from services.insights.bitmaps import Counted, Spot
from services.insights.intake import Batch, Erased
from services.insights.people import Keys
from services.insights.standing import (
    Account,
    Answer,
    Correction,
    Person,
    standings,
    state_of,
)

_ALONE_SQL = "SELECT pg_advisory_xact_lock(hashtext('projection'), hashtext(current_schema()))"
_WHOSE_SQL = "SELECT person FROM answers WHERE response_id = ANY(%s)"
_ANSWERS_SQL = """
INSERT INTO answers AS known (
    response_id, person, former_key, order_key, comment_digest, comment_revision, state, metric, score,
    responded_at, received_at, request_id, account_id, program, channel, source, product, sentiment, themes,
    functions)
SELECT response_id, person, former_key, order_key::bigint[], comment_digest, revision, state, metric, score,
    responded_at, received_at, request_id, account_id, program, channel, source, product, sentiment,
    ARRAY(SELECT json_array_elements_text(themes::json)),
    ARRAY(SELECT json_array_elements_text(functions::json))
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[],
            %s::text[], %s::smallint[], %s::timestamptz[], %s::timestamptz[], %s::uuid[], %s::text[],
            %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
     AS given (response_id, person, former_key, order_key, comment_digest, revision, state, metric, score,
               responded_at, received_at, request_id, account_id, program, channel, source, product,
               sentiment, themes, functions)
ON CONFLICT (response_id) DO UPDATE SET
    person = excluded.person, former_key = excluded.former_key, order_key = excluded.order_key,
    comment_digest = excluded.comment_digest,
    comment_revision = CASE WHEN known.comment_digest IS NOT DISTINCT FROM excluded.comment_digest
                            THEN known.comment_revision ELSE excluded.comment_revision END,
    state = excluded.state, metric = excluded.metric, score = excluded.score,
    responded_at = excluded.responded_at, received_at = excluded.received_at,
    request_id = excluded.request_id, account_id = excluded.account_id, program = excluded.program,
    channel = excluded.channel, source = excluded.source, product = excluded.product,
    sentiment = excluded.sentiment, themes = excluded.themes, functions = excluded.functions
WHERE known.order_key < excluded.order_key
RETURNING response_id, person
"""
_WORDS_SQL = """
INSERT INTO words AS known
SELECT response_id, comment, masked_comment, further::jsonb, language, urgency, context::jsonb
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
     AS given (response_id, comment, masked_comment, further, language, urgency, context)
ON CONFLICT (response_id) DO UPDATE SET
    comment = excluded.comment, masked_comment = excluded.masked_comment, further = excluded.further,
    language = excluded.language, urgency = excluded.urgency, context = excluded.context
"""
_CORRECTIONS_SQL = """
INSERT INTO corrections AS known
SELECT response_id, field, person, revision, corrected_at, correction_id,
       ARRAY(SELECT json_array_elements_text(after::json))
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::uuid[], %s::text[])
     AS given (response_id, field, person, revision, corrected_at, correction_id, after)
ON CONFLICT (response_id, field) DO UPDATE SET
    person = excluded.person, revision = excluded.revision, corrected_at = excluded.corrected_at,
    correction_id = excluded.correction_id, after = excluded.after
WHERE (known.corrected_at, known.correction_id) < (excluded.corrected_at, excluded.correction_id)
"""
_FORGET_SQL: Mapping[str, LiteralString] = {
    "answers": "DELETE FROM answers WHERE response_id = ANY(%s)",
    "corrections": "DELETE FROM corrections WHERE response_id = ANY(%s)",
}
_PEOPLE_SQL = """
SELECT person, account_id, segment, cohort, role, stage, products, internal FROM people
WHERE person = ANY(%b)
"""
_OF_PEOPLE_SQL = """
SELECT answers.person, marks, counted_as, month, piece, place,
       response_id, state, metric, score, responded_at,
       coalesce(received_at <= greatest(people.erased_at, former.erased_at), false),
       answers.account_id, comment_revision, program, channel, source, product, sentiment, themes, functions
FROM answers JOIN people ON people.person = answers.person
LEFT JOIN people AS former ON former.person = answers.former_key
WHERE answers.person = ANY(%b)
"""
_CORRECTED_SQL = "SELECT response_id, field, revision, after FROM corrections WHERE response_id = ANY(%b)"
_ACCOUNTS_SQL = "SELECT account_id, owner, segment, stage FROM accounts WHERE account_id = ANY(%b)"


def take_in(
    connection: Connection[Any], batch: Batch, zone: ZoneInfo, *, places: int = bitmaps.PLACES
) -> int:
    """Writes a batch in the caller's transaction; how many answers count differently from before."""
    connection.execute(_ALONE_SQL)
    named = batch.people()
    people.ensure(connection, named)
    changed = people.erase(connection, batch.erased.values())
    changed |= people.put_profiles(connection, batch.profiles.values())
    changed |= people.put_accounts(connection, batch.accounts.values())
    keys = people.keys_among(connection, named)
    changed |= people.fold(connection, batch.merges, keys)
    changed |= _put_answers(connection, batch.answers.values(), keys)
    changed |= _put_corrections(connection, batch.corrections.values(), keys)
    return tell_anew(connection, {keys.winner(key) for key in changed}, zone, places=places)


def tell_anew(
    connection: Connection[Any], persons: Collection[str], zone: ZoneInfo, *, places: int = bitmaps.PLACES
) -> int:
    """Makes what these people's answers count as follow from the facts; how many changed.

    What was received before its person was forgotten is deleted.
    """
    counted, forgotten = _counted(connection, persons, zone)
    moved = bitmaps.settle(connection, counted, places=places)
    _delete(connection, forgotten)
    return moved


def forget(
    connection: Connection[Any], named: Collection[str], at: datetime, zone: ZoneInfo
) -> dict[str, int]:
    """Forgets a person under all their keys: what was received up to `at`. Records removed, by table."""
    connection.execute(_ALONE_SQL)
    people.ensure(connection, named)
    keys = people.all_keys(connection, named)
    known = people.known_among(connection, keys)
    people.erase(connection, [Erased(key, at) for key in sorted(keys)])
    counted, forgotten = _counted(connection, keys, zone)
    bitmaps.settle(connection, counted)
    return {"people": known, **_delete(connection, forgotten)}


def _delete(connection: Connection[Any], answers: list[UUID]) -> dict[str, int]:
    """Deletes answers that count no more; records by table."""
    if not answers:
        return dict.fromkeys(_FORGET_SQL, 0)
    return {table: connection.execute(sql, (answers,)).rowcount for table, sql in _FORGET_SQL.items()}


def _put_answers(connection: Connection[Any], events: Iterable[ResponseClassified], keys: Keys) -> set[str]:
    """Writes the answers that are newer than what is known; returns whose they are, and whose they were."""
    kept = [
        event
        for event in events
        if not keys.is_forgotten(event.response.person_key, event.response.received_at)
    ]
    if not kept:
        return set()
    ids = [event.response.response_id for event in kept]
    concerned = {person for (person,) in connection.execute(_WHOSE_SQL, (ids,))}
    rows = [_answer_row(event, keys) for event in kept]
    written = connection.execute(_ANSWERS_SQL, _columns(rows)).fetchall()
    newer = {response_id for response_id, _ in written}
    words = [_words_row(event) for event in kept if event.response.response_id in newer]
    if words:
        connection.execute(_WORDS_SQL, _columns(words))
    return concerned | {person for _, person in written}


def _put_corrections(
    connection: Connection[Any], events: Iterable[ClassificationCorrected], keys: Keys
) -> set[str]:
    kept = [event for event in events if not keys.is_forgotten(event.person_key, event.corrected_at)]
    if not kept:
        return set()
    rows = [
        (
            event.response_id,
            event.field,
            keys.winner(event.person_key),
            event.revision,
            event.corrected_at,
            event.correction_id,
            json.dumps(event.after),
        )
        for event in kept
    ]
    connection.execute(_CORRECTIONS_SQL, _columns(rows))
    return {person for _, _, person, *_ in rows}


def _answer_row(event: ResponseClassified, keys: Keys) -> tuple[object, ...]:
    answer = event.response
    winner = keys.winner(answer.person_key)
    return (
        answer.response_id,
        winner,
        answer.person_key if answer.person_key != winner else None,
        "{" + ",".join(map(str, event.order_key())) + "}",
        _digest(answer.comment),
        answer.order.revision,
        state_of(event),
        answer.metric,
        answer.score,
        answer.responded_at,
        answer.received_at,
        answer.request_id,
        answer.account_id,
        answer.program,
        answer.channel,
        answer.source,
        answer.context.get("product"),
        event.sentiment,
        json.dumps([tag.theme for tag in event.themes]),
        json.dumps(event.functions),
    )


def _words_row(event: ResponseClassified) -> tuple[object, ...]:
    answer = event.response
    return (
        answer.response_id,
        answer.comment,
        event.masked_comment,
        json.dumps([[one.question, one.answer] for one in answer.further_answers]),
        event.language,
        event.urgency.level if event.urgency else None,
        json.dumps(answer.context),
    )


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _digest(comment: str | None) -> int | None:
    """Tells one comment from another."""
    if not comment:
        return None
    return int.from_bytes(blake2b(comment.encode(), digest_size=8).digest(), signed=True)


def _counted(
    connection: Connection[Any], persons: Collection[str], zone: ZoneInfo
) -> tuple[list[Counted], list[UUID]]:
    """What these people's answers count as, before and now; and those of them that are forgotten."""
    if not persons:
        return [], []
    named = sorted(persons)
    rows = connection.execute(_PEOPLE_SQL, (named,), binary=True)
    who = {person: Person(*facts) for person, *facts in rows}
    so_far: dict[UUID, tuple[frozenset[int], Spot | None]] = {}
    answers: defaultdict[str, list[Answer]] = defaultdict(list)
    for person, marks, *columns in connection.execute(_OF_PEOPLE_SQL, (named,), binary=True):
        spot, answer = _spot(*columns[:4]), Answer(*columns[4:])
        answers[person].append(answer)
        so_far[answer.response_id] = (frozenset(marks), spot)
    corrections = _corrections(connection, list(so_far))
    accounts = _accounts(connection, who.values(), answers.values())
    counted = []
    for person, given in answers.items():
        now = standings(who[person], accounts, given, corrections, zone)
        counted += [
            Counted(one.response_id, one.metric, *so_far[one.response_id], now.get(one.response_id))
            for one in given
        ]
    forgotten = [one.response_id for given in answers.values() for one in given if one.is_forgotten]
    return counted, forgotten


def _spot(counted_as: str | None, month: date | None, piece: int | None, place: int | None) -> Spot | None:
    if counted_as is None or month is None or piece is None or place is None:
        return None
    return Spot(counted_as, month, piece, place)


def _corrections(connection: Connection[Any], answers: list[UUID]) -> Mapping[UUID, Sequence[Correction]]:
    found: defaultdict[UUID, list[Correction]] = defaultdict(list)
    for response_id, *correction in connection.execute(_CORRECTED_SQL, (answers,)):
        found[response_id].append(Correction(*correction))
    return found


def _accounts(
    connection: Connection[Any], persons: Iterable[Person], answers: Iterable[Iterable[Answer]]
) -> dict[str, Account]:
    named = {person.account_id for person in persons}
    named.update(answer.account_id for given in answers for answer in given)
    named.discard(None)
    rows = connection.execute(_ACCOUNTS_SQL, (sorted(filter(None, named)),))
    return {account_id: Account(*facts) for account_id, *facts in rows}
