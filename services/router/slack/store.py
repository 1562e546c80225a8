"""The SQL of what Slack's buttons need: the card behind a subject, drafts of replies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from services.router.draft import Draft
from services.router.slack.content import Content

Connection = psycopg.Connection[Any]

# Short, so that somebody who pressed a button is answered within Slack's 3 s whatever else is going on.
_PATIENCE_SQL = "SET LOCAL lock_timeout = '1500ms'; SET LOCAL statement_timeout = '2000ms'"
_CARDS_SQL = """
SELECT DISTINCT ON (subject) subject, action, effect_id, external_id, content FROM effects
WHERE subject = ANY(%(subjects)s) AND destination = 'slack' AND parent_subject IS NULL
  AND repeats IS NULL AND wanted = 'present' AND content -> 'card' <> 'null'
ORDER BY subject, external_id IS NULL, action
"""
_KEEP_SQL = """
INSERT INTO slack_drafts (draft_id, subject, author, mail)
VALUES (%(draft_id)s, %(subject)s, %(author)s, %(mail)s) ON CONFLICT DO NOTHING
"""
_FORGET_SQL = "DELETE FROM slack_drafts WHERE made_at < now() - interval '2 days'"
_TAKE_SQL = """
UPDATE slack_drafts SET sent_at = now() WHERE draft_id = %(draft_id)s AND sent_at IS NULL
RETURNING subject, mail
"""


_SENT_SQL = "SELECT EXISTS (SELECT FROM slack_drafts WHERE draft_id = %(draft_id)s AND sent_at IS NOT NULL)"


@dataclass(frozen=True, slots=True)
class Shown:
    """A card: the effect it is, and what it holds. `external_id` is None until it was posted."""

    subject: str
    action: str
    effect_id: UUID
    external_id: str | None
    content: Content


def be_quick(connection: Connection) -> None:
    """Give up within two seconds instead of waiting for what others hold."""
    connection.execute(_PATIENCE_SQL)


def cards_of(connection: Connection, subjects: Sequence[str]) -> dict[str, Shown]:
    """One card of each of these subjects that has one."""
    rows = connection.execute(_CARDS_SQL, {"subjects": list(subjects)})
    return {
        subject: Shown(subject, action, effect_id, external_id, Content.model_validate(content))
        for subject, action, effect_id, external_id, content in rows
    }


def keep_draft(connection: Connection, draft_id: UUID, subject: str, author: str, draft: Draft) -> None:
    """Keep a previewed reply until it is sent."""
    connection.execute(
        _KEEP_SQL,
        {"draft_id": draft_id, "subject": subject, "author": author, "mail": draft.model_dump_json()},
    )


def forget_drafts(connection: Connection) -> None:
    """Delete the drafts that are older than two days, sent or not."""
    connection.execute(_FORGET_SQL)


def take_draft(connection: Connection, draft_id: UUID) -> tuple[str, Draft] | None:
    """The subject and the mail of a draft, once; None when it was sent before or is gone."""
    row = connection.execute(_TAKE_SQL, {"draft_id": draft_id}).fetchone()
    return (row[0], Draft.model_validate(row[1])) if row else None


def was_sent(connection: Connection, draft_id: UUID) -> bool:
    """Whether a draft was sent before."""
    row = connection.execute(_SENT_SQL, {"draft_id": draft_id}).fetchone()
    return bool(row and row[0])
