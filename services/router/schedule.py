"""Effects with a time: put in the queue when it comes, ended when something else happens first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from runtime import outbox
from services.router import outcomes
from services.router.outcomes import Ended
from services.router.timer_store import Timer

Connection = psycopg.Connection[Any]

# Effects' rows are locked in order, as planning does.
_RELEASE_SQL = """
WITH due AS MATERIALIZED (
    SELECT e.subject, e.action FROM effects AS e
    JOIN unnest(%(subjects)b::text[], %(actions)b::text[]) AS given (subject, action)
        ON e.subject = given.subject AND e.action = given.action
    WHERE e.status = 'scheduled' AND e.not_before <= %(now)s
    ORDER BY e.subject, e.action FOR NO KEY UPDATE OF e
), released AS (
    UPDATE effects AS e SET status = 'pending', changed_at = clock_timestamp()
    FROM due WHERE e.subject = due.subject AND e.action = due.action
    RETURNING e.effect_id, e.subject, e.action, e.destination, e.order_key, e.rate_key
)
INSERT INTO pending (effect_id, subject, action, destination, order_key, rate_key, due_at)
SELECT effect_id, subject, action, destination, order_key, rate_key, clock_timestamp() FROM released
ON CONFLICT (effect_id) DO NOTHING
"""

# What is leased or in doubt may be outside already: it is left to its worker.
_END_SQL = """
WITH found AS MATERIALIZED (
    SELECT subject, action, effect_id, status FROM effects
    WHERE {whose} AND %(cause)s = ANY(ends_on) AND ends_on <> '{{}}' AND subject <> ALL(%(spared)s)
      AND wanted = 'present' AND outside = 'absent' AND ended_by IS NULL
      AND status IN ('scheduled', 'pending')
    ORDER BY subject, action FOR NO KEY UPDATE
), unqueued AS (
    DELETE FROM pending USING found
    WHERE pending.effect_id = found.effect_id AND pending.lease IS NULL AND NOT pending.in_doubt
    RETURNING pending.effect_id
)
UPDATE effects AS e SET ended_by = %(cause)s, reason = %(cause)s, status = 'withheld',
    sent_version = e.desired_version, changed_at = clock_timestamp()
FROM found WHERE e.subject = found.subject AND e.action = found.action
  AND (found.status = 'scheduled' OR e.effect_id IN (SELECT effect_id FROM unqueued))
RETURNING e.effect_id, e.subject, e.action, e.rule, e.destination, e.person_key, e.account_id, e.program,
    e.channel, e.traceparent, e.desired_version, e.changed_at
"""
_END_OF_PERSON_SQL = _END_SQL.format(whose="person_key = ANY(%(person_keys)s)").encode()
_END_OF_ACCOUNT_SQL = _END_SQL.format(whose="account_id = ANY(%(account_ids)s)").encode()
_END_OF_SUBJECT_SQL = _END_SQL.format(whose="subject = %(subject)s").encode()


def release(connection: Connection, timers: Sequence[Timer], now: datetime) -> None:
    """Queue the effects whose time has come; one that was ended or withdrawn meanwhile is left alone."""
    connection.execute(
        _RELEASE_SQL,
        {
            "subjects": [timer.subject for timer in timers],
            "actions": [timer.ref for timer in timers],
            "now": now,
        },
    )


def end_of_person(
    connection: Connection, person_keys: Sequence[str], cause: str, *, spared: Sequence[str] = ()
) -> list[Ended]:
    """End what `cause` ends of these persons' effects and was never sent, but for those of some subjects."""
    return _end(connection, _END_OF_PERSON_SQL, cause, spared, {"person_keys": list(person_keys)})


def end_of_account(connection: Connection, account_ids: Sequence[str], cause: str) -> list[Ended]:
    """As `end_of_person`, of everybody's effects in these accounts."""
    return _end(connection, _END_OF_ACCOUNT_SQL, cause, (), {"account_ids": list(account_ids)})


def end_of_subject(connection: Connection, subject: str, cause: str) -> list[Ended]:
    """As `end_of_person`, of one subject's effects."""
    return _end(connection, _END_OF_SUBJECT_SQL, cause, (), {"subject": subject})


def _end(
    connection: Connection, sql: bytes, cause: str, spared: Sequence[str], whose: dict[str, Any]
) -> list[Ended]:
    rows = connection.execute(sql, {"cause": cause, "spared": list(spared), **whose})
    ended = [Ended(*row) for row in rows]
    outbox.append(connection, [message for one in ended for message in outcomes.of_end(one, cause)])
    return ended
