"""How long the router keeps what it did and what it remembers of people.

What is left of a finished effect is ids: a replay of its answer, years later, finds that it was delivered.
Each turn goes on where the last one ended, an hour of the ledger at a time, so that nothing is locked for
long and nothing is read twice.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg

from services.router.score_store import READ_AT_MOST

Connection = psycopg.Connection[Any]

STEP = timedelta(hours=1)
FOLLOW_UPS_A_STEP = 500
CARDS_KEPT = timedelta(days=1)

_MARK_SQL = "SELECT until FROM retention_progress WHERE name = %(name)s"
_SET_MARK_SQL = """
INSERT INTO retention_progress AS r (name, until) VALUES (%(name)s, %(until)s)
ON CONFLICT (name) DO UPDATE SET until = greatest(r.until, excluded.until)
"""
_OLDEST_PLAN_SQL = "SELECT min(planned_at) FROM plans"
_OLDEST_EFFECT_SQL = "SELECT min(planned_at) FROM effects"
_FORGET_PLANS_SQL = "DELETE FROM plans WHERE planned_at >= %(start)s AND planned_at < %(end)s"
_STRIP_EFFECTS_SQL = """
UPDATE effects SET content = '{}', reason = NULL, account_id = NULL, program = NULL, channel = NULL,
    received_at = NULL, traceparent = '', ended_by = coalesce(ended_by, 'retention')
WHERE planned_at >= %(start)s AND planned_at < %(end)s
  AND status IN ('delivered', 'retracted', 'withheld', 'failed')
"""
_OLDEST_SCORE_SQL = "SELECT min(responded_at) FROM scores"
_FORGET_SCORES_SQL = """
DELETE FROM scores AS old WHERE responded_at >= %(start)s AND responded_at < %(end)s AND (
    SELECT count(*) FROM (
        SELECT FROM scores AS newer
        WHERE newer.person_key = old.person_key AND newer.metric = old.metric
          AND (newer.responded_at, newer.subject) > (old.responded_at, old.subject)
        LIMIT %(most)s) AS latest) = %(most)s
"""
_OLDEST_ASK_SQL = "SELECT min(asked_at) FROM asks"
_FORGET_ASKS_SQL = """
DELETE FROM asks AS old WHERE asked_at >= %(start)s AND asked_at < %(end)s AND EXISTS (
    SELECT FROM asks AS newer
    WHERE newer.person_key = old.person_key AND newer.action = old.action AND newer.asked_at > old.asked_at)
"""
_FORGET_FOLLOW_UPS_SQL = """
DELETE FROM follow_ups WHERE follow_up_id = ANY(ARRAY(
    SELECT follow_up_id FROM follow_ups WHERE state = 'resolved' AND resolved_at < %(before)s
    ORDER BY resolved_at LIMIT %(limit)s))
"""
# A storm that goes on still counts the cards it began with.
_FORGET_CARDS_SQL = """
DELETE FROM shown_cards AS c WHERE shown_at < %(before)s AND NOT EXISTS (
    SELECT FROM storms AS s
    WHERE s.destination = c.destination AND s.place = c.place AND s.number = c.storm
      AND s.last_at >= %(before)s)
"""
# The latest one of a place is what the next one's number follows.
_FORGET_STORMS_SQL = """
DELETE FROM storms AS s WHERE last_at < %(before)s AND EXISTS (
    SELECT FROM storms AS later
    WHERE later.destination = s.destination AND later.place = s.place AND later.number > s.number)
"""


def forget_plans(connection: Connection, before: datetime) -> bool:
    """Delete one step of the plans made before `before`; False when none is left.

    That planning happened is remembered by the subject's row.
    """
    return _step(connection, "plans", before, _OLDEST_PLAN_SQL, _FORGET_PLANS_SQL)


def strip_effects(connection: Connection, before: datetime) -> bool:
    """Leave only ids of one step of the effects planned before `before` that are finished.

    False when none is left.
    """
    return _step(connection, "effects", before, _OLDEST_EFFECT_SQL, _STRIP_EFFECTS_SQL)


def forget_scores(connection: Connection, before: datetime) -> bool:
    """Delete one step of the scores given before `before` that nobody is shown any more; as `forget_plans`.

    A person's latest ones of a metric are kept: the next answer is compared with them.
    """
    return _step(connection, "scores", before, _OLDEST_SCORE_SQL, _FORGET_SCORES_SQL)


def forget_asks(connection: Connection, before: datetime) -> bool:
    """Delete one step of what people were asked before `before` and have been asked again since; as
    `forget_plans`.
    """
    return _step(connection, "asks", before, _OLDEST_ASK_SQL, _FORGET_ASKS_SQL)


def forget_follow_ups(connection: Connection, before: datetime) -> bool:
    """Delete some of the follow-ups resolved before `before`, with their history; False when none is left."""
    values = {"before": before, "limit": FOLLOW_UPS_A_STEP}
    return connection.execute(_FORGET_FOLLOW_UPS_SQL, values).rowcount == FOLLOW_UPS_A_STEP


def forget_storms(connection: Connection, before: datetime) -> bool:
    """Delete the storms that ended before `before`, all in one step."""
    connection.execute(_FORGET_STORMS_SQL, {"before": before})
    return False


def forget_cards(connection: Connection, now: datetime) -> None:
    """Delete the cards of more than a day ago: a storm is a matter of minutes."""
    connection.execute(_FORGET_CARDS_SQL, {"before": now - CARDS_KEPT})


STEPS: tuple[Callable[[Connection, datetime], bool], ...] = (
    forget_plans,
    strip_effects,
    forget_scores,
    forget_asks,
    forget_follow_ups,
    forget_storms,
)


def _step(connection: Connection, name: str, before: datetime, oldest: str, change: str) -> bool:
    found = connection.execute(_MARK_SQL, {"name": name}).fetchone() or connection.execute(oldest).fetchone()
    start: datetime | None = found[0] if found else None
    if start is None or start >= before:
        return False
    end = min(start + STEP, before)
    connection.execute(change, {"start": start, "end": end, "most": READ_AT_MOST})
    connection.execute(_SET_MARK_SQL, {"name": name, "until": end})
    return end < before
