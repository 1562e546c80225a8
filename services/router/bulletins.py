"""What other services want a team or a customer to be told, by the ledger's means, each once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
import structlog
from pydantic import ValidationError

from runtime.clock import Clock
from runtime.cloudevents import Undecodable, traceparent_of
from runtime.cloudevents import decode as decode_event
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.tracing import child_of
from schemas.delivery_requests import DeliveryRequested
from services.router import customer_letters, effect_store
from services.router.bulletin_row import Words, row_of, subject_of
from services.router.destination import Bulletin
from services.router.effect import EffectRow
from services.router.people import People
from services.router.plugins import AnyPlugin

Connection = psycopg.Connection[Any]

TOPICS = (DeliveryRequested.TOPIC,)

log = structlog.get_logger(__name__)


def decode(record: Record) -> DeliveryRequested:
    """A delivery to a team or a person; raises runtime.cloudevents.Undecodable for what cannot be one."""
    event = decode_event(record, {DeliveryRequested.TYPE: DeliveryRequested})
    if (event.team is None) == (event.person_key is None):
        raise Undecodable("wrong_addressee", "expected either a team or a person_key")
    try:
        Words.model_validate(event.content)
    except ValidationError as error:
        fields = ", ".join(str(one["loc"][0]) for one in error.errors() if one["loc"])
        raise Undecodable("wrong_content", f"expected a title and a text, and look at: {fields}") from None
    return event


class Bulletins:
    """The consumer's handler; `plugins` by destination."""

    def __init__(self, plugins: Mapping[str, AnyPlugin], people: People, clock: Clock) -> None:
        self._plugins = plugins
        self._people = people
        self._clock = clock

    def take(self, connection: Connection, delivered: Sequence[Delivered[DeliveryRequested]]) -> None:
        """Writes what is not yet in the ledger, in the caller's transaction."""
        now = self._clock.now()
        events = {
            subject_of(one.event): (one.event, child_of(traceparent_of(one.record.headers)))
            for one in delivered
        }
        letters = {subject: one for subject, one in events.items() if one[0].person_key is not None}
        customer_letters.lock(connection, {subject: event for subject, (event, _) in letters.items()})
        known = effect_store.of_subjects(connection, list(events))
        rows = [
            row
            for event, traceparent in events.values()
            for row in self._to_team(event, traceparent)
            if row.action not in known.get(row.subject, {})
        ]
        unheard_of = [one for subject, one in letters.items() if subject not in known]
        rows += customer_letters.rows(connection, unheard_of, self._plugins, self._people, now)
        effect_store.write(connection, rows, now=now)

    def _to_team(self, event: DeliveryRequested, traceparent: str) -> Iterator[EffectRow]:
        if event.team is None:
            return
        plugin, team = self._plugins.get(event.destination), self._people.teams.get(event.team)
        if plugin is None or plugin.bulletins is None or team is None:
            log.warning("nobody can be told", destination=event.destination, team=event.team)
            return
        words = Words.model_validate(event.content)
        told = plugin.bulletins(Bulletin(words.title, words.text), team, self._people.members(event.team))
        if not told:
            log.warning("the team cannot be told there", destination=event.destination, team=event.team)
        whom = f"team:{event.team}"
        for action, content in told.items():
            yield row_of(event, traceparent, plugin, action, content, person_key=whom[:64], order_key=whom)
