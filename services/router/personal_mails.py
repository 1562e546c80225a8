"""Mails that colleagues write to a customer: handed over they count as contact, else their writer is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from services.router import follow_up_store
from services.router.attempt import Status
from services.router.destination import JsonObject, Notice
from services.router.effect import PEOPLE
from services.router.follow_up_commands import NoteContact
from services.router.follow_up_desk import Desk
from services.router.ledger import Completion
from services.router.timer_store import Timer, TimerKind

Connection = psycopg.Connection[Any]

HOW = "email"
_MAIL_SQL = """
SELECT subject, person_key, account_id, rule, traceparent, status, reason, content, desired_version
FROM effects WHERE subject = %(subject)s AND action = %(action)s
"""


@dataclass(frozen=True, slots=True)
class _Mail:
    subject: str
    person_key: str
    account_id: str | None
    rule: str
    traceparent: str
    status: str
    reason: str | None
    content: JsonObject
    desired_version: int


def ended(done: Sequence[Completion], now: datetime) -> list[Timer]:
    """The timers that have a look at the mails of colleagues among deliveries that came to an end.

    A look of its own: whoever records deliveries has locked effects, and a follow-up is locked before those.
    """
    return [
        Timer(TimerKind.MAILED, one.claimed.subject, one.claimed.action, now)
        for one in done
        if one.claimed.rule == PEOPLE and one.next.outcome is not None
    ]


class PersonalMails:
    """The timers' handler."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def take(self, connection: Connection, timers: Sequence[Timer], now: datetime) -> None:
        """Note the contact, or tell that there was none."""
        for timer in timers:
            it = follow_up_store.lock(connection, timer.subject)
            values = {"subject": timer.subject, "action": timer.ref}
            mail = connection.cursor(row_factory=class_row(_Mail)).execute(_MAIL_SQL, values).fetchone()
            writer = self._desk.people.by_email(str(mail.content.get("writer_email"))) if mail else None
            if mail is None or writer is None:
                continue
            if mail.status == Status.DELIVERED:
                self._desk.apply_in(connection, timer.subject, NoteContact(writer.id, HOW), now)
            elif mail.status in {Status.FAILED, Status.WITHHELD}:
                text = (
                    f"{writer.name}'s mail did not leave ({mail.reason}): the customer has not heard from us."
                )
                name = f"unsent_{timer.ref}_{mail.desired_version}"
                self._desk.notify(connection, it or mail, Notice(text, writer), name=name, now=now)
