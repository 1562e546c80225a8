"""Customers' answers to our mails call off what waits for a reply, and are kept with the follow-up."""

from collections.abc import Sequence
from typing import Any

import psycopg

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import decode as decode_event
from runtime.cloudevents import to_message, traceparent_of
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.tracing import child_of
from schemas.event import derived_id
from schemas.outcomes import OutcomeKind, OutcomeRecorded
from schemas.replies import ReplyReceived
from services.router import projections, schedule
from services.router.follow_up_commands import NoteReply
from services.router.follow_up_desk import Desk
from services.router.outcomes import SOURCE, response_of

Connection = psycopg.Connection[Any]

TOPICS = (ReplyReceived.TOPIC,)
REPLY = "reply"
"""What calls off actions that end when the person answers a mail."""

_FIRST_SQL = "INSERT INTO replies (reply_id, taken_at) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_WHOSE_SQL = "SELECT person_key, account_id FROM effects WHERE subject = %s LIMIT 1"


def decode(record: Record) -> ReplyReceived:
    """A reply; raises runtime.cloudevents.Undecodable."""
    return decode_event(record, {ReplyReceived.TYPE: ReplyReceived})


class Replies:
    """The consumer's handler."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def take(self, connection: Connection, delivered: Sequence[Delivered[ReplyReceived]]) -> None:
        """Takes each reply once, in the caller's transaction."""
        for one in delivered:
            if connection.execute(_FIRST_SQL, (one.event.reply_id, self._clock.now())).rowcount:
                self._take(connection, one.event, child_of(traceparent_of(one.record.headers)))

    def _take(self, connection: Connection, reply: ReplyReceived, traceparent: str) -> None:
        row = connection.execute(_WHOSE_SQL, (reply.subject,)).fetchone()
        found, account_id = row or (None, None)
        person_key = reply.person_key or found
        if not reply.became_comment:
            self._desk.apply_in(connection, reply.subject, NoteReply(reply.text), self._clock.now())
        if person_key is None:
            return
        schedule.end_of_person(connection, projections.keys_of(connection, [person_key]), REPLY)
        outcome = OutcomeRecorded(
            outcome_id=derived_id(reply.reply_id, OutcomeKind.REPLIED),
            kind=OutcomeKind.REPLIED,
            occurred_at=reply.received_at,
            person_key=person_key,
            account_id=account_id,
            subject=reply.subject,
            response_id=response_of(reply.subject),
        )
        outbox.append(connection, [to_message(outcome, source=SOURCE, traceparent=traceparent)])
