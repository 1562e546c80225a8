"""What happens in customers' lives calls off what was to be sent to them."""

from collections.abc import Sequence
from typing import Any

import psycopg

from runtime.cloudevents import decode as decode_event
from runtime.consumer import Delivered
from runtime.messages import Record
from schemas.lifecycle import LifecycleEventOccurred
from services.router import projections, schedule

Connection = psycopg.Connection[Any]

TOPICS = (LifecycleEventOccurred.TOPIC,)


def decode(record: Record) -> LifecycleEventOccurred:
    """A moment in a customer's life; raises runtime.cloudevents.Undecodable."""
    return decode_event(record, {LifecycleEventOccurred.TYPE: LifecycleEventOccurred})


def end(connection: Connection, delivered: Sequence[Delivered[LifecycleEventOccurred]]) -> None:
    """End what the batch's moments end, in the caller's transaction.

    A moment of an account ends what is planned for anybody in it; one that was taken back ends nothing.
    """
    persons: dict[str, set[str]] = {}
    accounts: dict[str, set[str]] = {}
    for one in delivered:
        event = one.event
        if event.retracted:
            continue
        cause = f"lifecycle:{event.moment}"
        if event.person_key is not None:
            persons.setdefault(cause, set()).add(event.person_key)
        elif event.account_id is not None:
            accounts.setdefault(cause, set()).add(event.account_id)
    for cause, keys in sorted(persons.items()):
        schedule.end_of_person(connection, projections.keys_of(connection, keys), cause)
    for cause, ids in sorted(accounts.items()):
        schedule.end_of_account(connection, sorted(ids), cause)
