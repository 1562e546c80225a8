"""Sends an approved announcement: a delivery a person, asked for in the transaction that notes it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from psycopg import Connection

from runtime import outbox
from runtime.cloudevents import to_message
from runtime.tracing import new_traceparent
from schemas.delivery_requests import DeliveryKind, DeliveryRequested
from services.insights import announcement_store, filters, projection
from services.insights.announcement_store import Announcement
from services.insights.announcements import Audience, Respondent, audience, delivery_id
from services.insights.app import SOURCE
from services.insights.filters import Filter
from services.insights.source import Source

DESTINATION = "email"
LASTS = timedelta(days=8)
"""After that nobody is written to any more; the router leaves a week between two such mails to one person."""


class NotSent(ValueError):
    """Nothing was sent; the text says why."""


def wanted_by(announcement: Announcement) -> Filter:
    """The answers that an announcement is about."""
    # The text names both of its days: what day it is now changes nothing.
    return filters.read(
        parse_qsl(announcement.answers, keep_blank_values=True), announcement.drafted_at.date()
    )


def reached_by(connection: Connection[Any], source: Source, wanted: Filter) -> Audience:
    """Whom a mail about these answers would reach now. Raises announcement_store.TooMany."""
    return audience(announcement_store.respondents(connection, source.counting(), wanted))


def send(source: Source, announcement_id: UUID, *, seen: int, by: str) -> int:
    """Sends it to its audience as it is now, if that is as large as whoever approves has seen.

    Nobody is forgotten, and no other announcement goes out, until it is decided whom it reaches. Raises
    NotSent, announcement_store.TooMany.
    """
    now = source.now()
    with source.pool.connection() as connection:
        projection.work_alone(connection)
        found = announcement_store.one(connection, announcement_id)
        if found is None or found.approved_at is not None:
            raise NotSent("It was sent already, or thrown away.")
        reached = reached_by(connection, source, wanted_by(found)).reached
        if len(reached) != seen:
            raise NotSent(f"It would now reach {len(reached):,} people, not {seen:,}: look at it again.")
        if not reached:
            raise NotSent("It would reach nobody.")
        announcement_store.approve(connection, announcement_id, [one.person for one in reached], by, now)
        outbox.append(
            connection,
            [
                to_message(request, source=SOURCE, traceparent=new_traceparent())
                for request in _requests(found, reached, now)
            ],
        )
    return len(reached)


def _requests(
    found: Announcement, reached: Iterable[Respondent], now: datetime
) -> Iterable[DeliveryRequested]:
    for one in reached:
        yield DeliveryRequested(
            delivery_id=delivery_id(found.announcement_id, one.person),
            kind=DeliveryKind.YOU_SAID_WE_DID,
            person_key=one.person,
            destination=DESTINATION,
            content={"title": found.subject, "text": found.words, "response_id": str(one.response_id)},
            requested_at=now,
            expires_at=now + LASTS,
        )
