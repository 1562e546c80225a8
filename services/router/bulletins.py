"""What other services want a team to be told: digests and alerts, by the ledger's means, each once."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime.clock import Clock
from runtime.cloudevents import Undecodable, traceparent_of
from runtime.cloudevents import decode as decode_event
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.tracing import child_of
from schemas.delivery_requests import DeliveryRequested
from services.router import effect_store
from services.router.destination import Bulletin
from services.router.effect import EffectRow, effect_id
from services.router.people import People
from services.router.plugins import AnyPlugin

Connection = psycopg.Connection[Any]

TOPICS = (DeliveryRequested.TOPIC,)
RULE = "insights:bulletin"
"""Stands where effects name their rule; no rule of the file can be called so."""

log = structlog.get_logger(__name__)


class _Words(BaseModel):
    model_config = ConfigDict(extra="ignore")

    title: str = Field(min_length=1, max_length=150)
    text: str = Field(min_length=1, max_length=20_000)


def decode(record: Record) -> DeliveryRequested:
    """A delivery to a team; raises runtime.cloudevents.Undecodable for what cannot be delivered."""
    event = decode_event(record, {DeliveryRequested.TYPE: DeliveryRequested})
    if event.team is None:
        raise Undecodable("no_team", "only deliveries to a team are known here")
    try:
        _Words.model_validate(event.content)
    except ValidationError as error:
        fields = ", ".join(str(one["loc"][0]) for one in error.errors() if one["loc"])
        raise Undecodable("wrong_content", f"expected a title and a text: {fields}") from None
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
        subjects = [_subject(one.event) for one in delivered]
        known = effect_store.of_subjects(connection, subjects)
        rows: dict[tuple[str, str], EffectRow] = {}
        for one in delivered:
            for row in self._rows(one.event, child_of(traceparent_of(one.record.headers))):
                if row.action not in known.get(row.subject, {}):
                    rows[row.subject, row.action] = row
        effect_store.write(connection, rows.values(), now=now)

    def _rows(self, event: DeliveryRequested, traceparent: str) -> list[EffectRow]:
        plugin, team = self._plugins.get(event.destination), self._people.teams.get(event.team or "")
        if plugin is None or plugin.bulletins is None or team is None or event.team is None:
            log.warning("nobody can be told", destination=event.destination, team=event.team)
            return []
        words = _Words.model_validate(event.content)
        told = plugin.bulletins(Bulletin(words.title, words.text), team, self._people.members(event.team))
        if not told:
            log.warning("the team cannot be told there", destination=event.destination, team=event.team)
        subject = _subject(event)
        return [
            EffectRow(
                subject=subject,
                action=action,
                effect_id=effect_id(subject, action),
                rule=RULE,
                destination=event.destination,
                person_key=f"team:{event.team}"[:64],
                account_id=None,
                program=None,
                channel=None,
                received_at=None,
                expires_at=event.expires_at,
                traceparent=traceparent,
                content=content.model_dump_json(),
                is_wanted=True,
                desired_version=1,
                order_key=f"team:{event.team}",
                rate_key=plugin.rate_key(content),
                is_new=True,
            )
            for action, content in told.items()
        ]


def _subject(event: DeliveryRequested) -> str:
    return f"digest:{event.delivery_id}"
