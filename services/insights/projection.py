"""What the topics say, in PostgreSQL: every person whom a batch concerns is told anew from all that is known.

One batch at a time works on it. So whatever order events come in, and however often, the same facts end as
the same rows and the same bits.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection

from schemas.classified import ResponseClassified
from schemas.corrections import ClassificationCorrected
from services.insights import bitmaps, closed_loop_store, people
from services.insights.bitmaps import Counted, Spot
from services.insights.intake import Batch, Erased
from services.insights.people import Keys
from services.insights.standing import (
    Account,
    Answer,
    Asked,
    Care,
    Correction,
    Person,
    answers_request,
    asked_about,
    asked_standing,
    standings,
    state_of,
)

_ALONE_SQL = "SELECT pg_advisory_xact_lock(hashtext('projection'), hashtext(current_schema()))"
_SO_FAR_SQL = """
SELECT response_id, person, comment_digest, comment_revision FROM answers WHERE response_id = ANY(%s)
"""
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
    comment_digest = excluded.comment_digest, comment_revision = excluded.comment_revision,
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
    "answers": "DELETE FROM answers WHERE response_id = ANY(%(answers)s)",
    "corrections": "DELETE FROM corrections WHERE response_id = ANY(%(answers)s)",
    "requests": "DELETE FROM requests WHERE request_id = ANY(%(requests)s)",
    "outcomes": """
        DELETE FROM outcomes USING people WHERE outcomes.person = ANY(%(persons)s)
        AND people.person = outcomes.person
        AND (occurred_at <= people.erased_at OR response_id = ANY(%(answers)s))
    """,
}
_PEOPLE_SQL = """
SELECT person, account_id, segment, cohort, role, stage, products, internal, erased_at IS NOT NULL FROM people
WHERE person = ANY(%b)
"""
_OF_PEOPLE_SQL = """
SELECT answers.person, marks, counted_as, month, piece, place,
       response_id, state, metric, score, responded_at,
       coalesce(received_at <= greatest(people.erased_at, former.erased_at), false),
       answers.account_id, comment_revision, program, channel, source, request_id, product,
       sentiment, themes, functions
FROM answers JOIN people ON people.person = answers.person
LEFT JOIN people AS former ON former.person = answers.former_key
WHERE answers.person = ANY(%b)
"""
_ASKED_SQL = """
SELECT requests.person, requests.metric, marks, counted_as, month, piece, place,
       request_id, program, channel, sent_at, closes_at,
       coalesce(coalesce(requested_at, sent_at, cancelled_at) <= greatest(people.erased_at, former.erased_at),
                false)
FROM requests JOIN people ON people.person = requests.person
LEFT JOIN people AS former ON former.person = requests.former_key
WHERE requests.person = ANY(%b)
"""
_CORRECTED_SQL = "SELECT response_id, field, revision, after FROM corrections WHERE response_id = ANY(%b)"
_ACCOUNTS_SQL = "SELECT account_id, owner, segment, stage FROM accounts WHERE account_id = ANY(%b)"


def take_in(
    connection: Connection[Any], batch: Batch, zone: ZoneInfo, *, places: int = bitmaps.PLACES
) -> int:
    """Writes a batch in the caller's transaction; how many answers count differently from before."""
    work_alone(connection)
    return tell_anew(connection, write(connection, batch), zone, places=places)


def work_alone(connection: Connection[Any]) -> None:
    """Waits until nobody else writes, and makes others wait until the transaction ends."""
    connection.execute(_ALONE_SQL)


def write(connection: Connection[Any], batch: Batch) -> set[str]:
    """Writes the facts of a batch; returns the people whose answers are to be told anew."""
    named = batch.people()
    people.ensure(connection, named)
    changed = people.erase(connection, batch.erased.values())
    changed |= people.put_profiles(connection, batch.profiles.values())
    changed |= people.put_accounts(connection, batch.accounts.values())
    keys = people.keys_among(connection, named)
    changed |= people.fold(connection, batch.merges, keys)
    changed |= _put_answers(connection, batch, keys)
    changed |= _put_corrections(connection, batch.corrections.values(), keys)
    changed |= closed_loop_store.put(connection, batch, keys)
    return {keys.winner(key) for key in changed}


def tell_anew(
    connection: Connection[Any], persons: Collection[str], zone: ZoneInfo, *, places: int = bitmaps.PLACES
) -> int:
    """Makes what these people's answers count as follow from the facts; how many changed.

    What was received before its person was forgotten is deleted.
    """
    moved, _ = _told(connection, sorted(persons), zone, places)
    return moved


def forget(
    connection: Connection[Any], named: Collection[str], at: datetime, zone: ZoneInfo
) -> dict[str, int]:
    """Forgets a person under all their keys: what was received up to `at`. Records removed, by table."""
    work_alone(connection)
    people.ensure(connection, named)
    keys = people.all_keys(connection, named)
    known = people.known_among(connection, keys)
    people.erase(connection, [Erased(key, at) for key in sorted(keys)])
    _, removed = _told(connection, sorted(keys), zone, bitmaps.PLACES)
    return {"people": known, **removed}


def _told(
    connection: Connection[Any], persons: list[str], zone: ZoneInfo, places: int
) -> tuple[int, Mapping[str, int]]:
    """Settles what people's answers and requests count as; how many moved, and how many were deleted."""
    if not persons:
        return 0, {}
    known = _known(connection, persons)
    answers = known.counted_answers(zone)
    requests = known.counted_requests(zone)
    moved = bitmaps.settle(connection, answers, places=places)
    bitmaps.settle(connection, requests, bitmaps.REQUESTS, places=places)
    gone = [one.response_id for given in known.answers.values() for one in given if one.is_forgotten]
    unasked = [one.request_id for asked in known.asked.values() for one in asked if one.is_forgotten]
    if not (gone or unasked or known.is_anybody_erased):
        return moved, {}
    values = {"answers": gone, "requests": unasked, "persons": persons}
    return moved, {table: connection.execute(sql, values).rowcount for table, sql in _FORGET_SQL.items()}


def _put_answers(connection: Connection[Any], batch: Batch, keys: Keys) -> set[str]:
    """Writes the answers that are newer than what is known; returns whose they are, and whose they were."""
    kept = [
        event
        for event in batch.answers.values()
        if not keys.is_forgotten(event.response.person_key, event.response.received_at)
    ]
    if not kept:
        return set()
    ids = [event.response.response_id for event in kept]
    concerned, comments = set(), {}
    for response_id, person, digest, since in connection.execute(_SO_FAR_SQL, (ids,)):
        concerned.add(person)
        comments[response_id, digest] = since
    for event in kept:
        response = event.response
        since = comments.get((response.response_id, _digest(response.comment)))
        if since is not None and response.response_id not in batch.comments_replaced:
            batch.comments_since[response.response_id] = since
    rows = [_answer_row(event, batch, keys) for event in kept]
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


def _answer_row(event: ResponseClassified, batch: Batch, keys: Keys) -> tuple[object, ...]:
    answer = event.response
    winner = keys.winner(answer.person_key)
    return (
        answer.response_id,
        winner,
        answer.person_key if answer.person_key != winner else None,
        "{" + ",".join(map(str, event.order_key())) + "}",
        _digest(answer.comment),
        batch.comments_since[answer.response_id],
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


@dataclass(slots=True)
class _Known:
    """All that decides what people's answers and requests count as."""

    people: dict[str, Person] = field(default_factory=dict)
    is_anybody_erased: bool = False
    answers: defaultdict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    asked: defaultdict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    metrics: dict[UUID, str | None] = field(default_factory=dict)
    """Of requests."""
    so_far: dict[UUID, tuple[frozenset[int], Spot | None]] = field(default_factory=dict)
    corrections: Mapping[UUID, Sequence[Correction]] = field(default_factory=dict)
    care: Mapping[UUID, Care] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)

    def counted_answers(self, zone: ZoneInfo) -> list[Counted]:
        """The answers, as what they counted and count."""
        counted = []
        for person, given in self.answers.items():
            now = standings(self.people[person], self.accounts, given, self.corrections, self.care, zone=zone)
            counted += [
                Counted(one.response_id, one.metric, *self.so_far[one.response_id], now.get(one.response_id))
                for one in given
            ]
        return counted

    def counted_requests(self, zone: ZoneInfo) -> list[Counted]:
        """The requests, as what they counted and count."""
        counted = []
        for person, asked in self.asked.items():
            answered = {one.request_id for one in self.answers[person] if answers_request(one)}
            for one in asked:
                now = asked_standing(
                    self.people[person], self.accounts, one, zone, is_answered=one.request_id in answered
                )
                metric = self.metrics[one.request_id]
                if metric is not None:
                    counted.append(
                        Counted(one.request_id, asked_about(metric), *self.so_far[one.request_id], now)
                    )
        return counted


def _known(connection: Connection[Any], persons: list[str]) -> _Known:
    known = _Known()
    for person, *facts, is_erased in connection.execute(_PEOPLE_SQL, (persons,), binary=True):
        known.people[person] = Person(*facts)
        known.is_anybody_erased |= is_erased
    for person, marks, *columns in connection.execute(_OF_PEOPLE_SQL, (persons,), binary=True):
        spot, answer = _spot(*columns[:4]), Answer(*columns[4:])
        known.answers[person].append(answer)
        known.so_far[answer.response_id] = (frozenset(marks), spot)
    for person, metric, marks, *columns in connection.execute(_ASKED_SQL, (persons,), binary=True):
        spot, asked = _spot(*columns[:4]), Asked(*columns[4:])
        known.asked[person].append(asked)
        known.metrics[asked.request_id] = metric
        known.so_far[asked.request_id] = (frozenset(marks), spot)
    known.corrections = _corrections(connection, list(known.so_far))
    known.care = closed_loop_store.care(connection, persons)
    known.accounts = _accounts(connection, known.people.values(), known.answers.values())
    return known


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
