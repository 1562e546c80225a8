"""Answers and what was put right in them, as rows of PostgreSQL: the newest record of each."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from psycopg import Connection
from pydantic_core import to_json

from runtime.postgres import columns
from schemas.classified import ResponseClassified
from schemas.corrections import ClassificationCorrected
from services.insights import revisions
from services.insights.intake import Batch
from services.insights.people import Keys
from services.insights.standing import state_of

_SO_FAR_SQL = """
SELECT response_id, person, comment_digest, comment_revision FROM answers WHERE response_id = ANY(%s)
"""
_ANSWERS_SQL = """
INSERT INTO answers AS known (
    response_id, person, order_key, comment_digest, comment_revision, state, metric, score,
    responded_at, received_at, request_id, account_id, program, channel, source, product, sentiment, themes,
    functions)
SELECT response_id, person, order_key::bigint[], comment_digest, revision, state, metric, score,
    responded_at, received_at, request_id, account_id, program, channel, source, product, sentiment,
    ARRAY(SELECT json_array_elements_text(themes::json)),
    ARRAY(SELECT json_array_elements_text(functions::json))
FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::text[],
            %b::text[], %b::smallint[], %b::timestamptz[], %b::timestamptz[], %b::uuid[], %b::text[],
            %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[])
     AS given (response_id, person, order_key, comment_digest, revision, state, metric, score,
               responded_at, received_at, request_id, account_id, program, channel, source, product,
               sentiment, themes, functions)
ON CONFLICT (response_id) DO UPDATE SET
    person = excluded.person, order_key = excluded.order_key,
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
SELECT response_id, comment, masked_comment, further::jsonb, language, urgency, context::jsonb, name, email
FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
            %b::text[])
     AS given (response_id, comment, masked_comment, further, language, urgency, context, name, email)
ON CONFLICT (response_id) DO UPDATE SET
    comment = excluded.comment, masked_comment = excluded.masked_comment, further = excluded.further,
    language = excluded.language, urgency = excluded.urgency, context = excluded.context,
    name = excluded.name, email = excluded.email
"""
_CORRECTIONS_SQL = """
INSERT INTO corrections AS known
SELECT response_id, field, person, revision, corrected_at, correction_id,
       ARRAY(SELECT json_array_elements_text(after::json))
FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::bigint[], %b::timestamptz[], %b::uuid[], %b::text[])
     AS given (response_id, field, person, revision, corrected_at, correction_id, after)
ON CONFLICT (response_id, field) DO UPDATE SET
    person = excluded.person, revision = excluded.revision, corrected_at = excluded.corrected_at,
    correction_id = excluded.correction_id, after = excluded.after
WHERE (known.corrected_at, known.correction_id) < (excluded.corrected_at, excluded.correction_id)
"""


def put(connection: Connection[Any], batch: Batch, keys: Keys) -> set[str]:
    """Writes what a batch says of answers, where it is newer; returns whose they are, and whose they were."""
    changed = _put_answers(connection, batch, keys)
    return changed | _put_corrections(connection, batch.corrections.values(), keys)


def _put_answers(connection: Connection[Any], batch: Batch, keys: Keys) -> set[str]:
    """Writes the answers that are newer than what is known; returns whose they are, and whose they were."""
    kept = [event for event in batch.answers.values() if _is_welcome(event, keys)]
    if not kept:
        return set()
    ids = [event.response.response_id for event in kept]
    concerned, comments = set(), {}
    for response_id, person, digest, since in connection.execute(_SO_FAR_SQL, (ids,)):
        concerned.add(person)
        if response_id not in batch.comments_replaced:
            comments[response_id, digest] = since
    if concerned:
        revisions.keep_superseded(connection, kept)
    rows = []
    for event in kept:
        response_id, digest = event.response.response_id, _digest(event.response.comment)
        since = comments.get((response_id, digest), batch.comments_since[response_id])
        rows.append(_answer_row(event, digest, since, keys))
    written = connection.execute(_ANSWERS_SQL, columns(rows)).fetchall()
    newer = {response_id for response_id, _ in written}
    words = [_words_row(event) for event in kept if event.response.response_id in newer]
    if words:
        connection.execute(_WORDS_SQL, columns(words))
    revisions.keep_earlier(
        connection,
        [event for event in kept if event.response.response_id not in newer]
        + [event for event in batch.earlier if _is_welcome(event, keys)],
    )
    return concerned | {person for _, person in written}


def _is_welcome(event: ResponseClassified, keys: Keys) -> bool:
    return not keys.is_forgotten(event.response.person_key, event.response.received_at)


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
            _json(event.after),
        )
        for event in kept
    ]
    connection.execute(_CORRECTIONS_SQL, columns(rows))
    return {person for _, _, person, *_ in rows}


def _answer_row(
    event: ResponseClassified, digest: int | None, comment_since: int, keys: Keys
) -> tuple[object, ...]:
    answer = event.response
    return (
        answer.response_id,
        keys.winner(answer.person_key),
        "{" + ",".join(map(str, event.order_key())) + "}",
        digest,
        comment_since,
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
        _json([tag.theme for tag in event.themes]),
        _json(event.functions),
    )


def _words_row(event: ResponseClassified) -> tuple[object, ...]:
    answer = event.response
    return (
        answer.response_id,
        answer.comment,
        event.masked_comment,
        _json([[one.question, one.answer] for one in answer.further_answers]),
        event.language,
        event.urgency.level if event.urgency else None,
        _json(answer.context),
        answer.respondent.name,
        answer.respondent.email,
    )


def _json(value: object) -> str:
    # Many times as fast as the standard library for lists as short as these.
    return to_json(value).decode()


def _digest(comment: str | None) -> int | None:
    """Tells one comment from another."""
    if not comment:
        return None
    return int.from_bytes(blake2b(comment.encode(), digest_size=8).digest(), signed=True)
