"""The worker that tells teams: digests when they are due, alerts when something changed; each once."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from threading import Event as Stop
from typing import Any

import psycopg
import structlog
from psycopg import Connection

from runtime import outbox
from runtime.cloudevents import to_message
from runtime.tracing import new_traceparent
from schemas.delivery_requests import DeliveryKind, DeliveryRequested
from schemas.event import NAMESPACE, derived_id
from services.insights import digest_words
from services.insights.app import SOURCE
from services.insights.digests import TOLD_FROM, DigestEntry, Due, Every, due
from services.insights.episodes import Episode, Signal, episodes
from services.insights.signals import signals
from services.insights.source import Source

EVERY_SECONDS = 60.0
LASTS = {Every.DAY: timedelta(days=1), Every.WEEK: timedelta(days=3)}
"""After that a digest is not sent any more."""
ALERT_LASTS = timedelta(days=2)

_ALONE_SQL = "SELECT pg_advisory_xact_lock(hashtext('telling teams'), hashtext(current_schema()))"
_FIRST_SQL = """
INSERT INTO digests_sent (delivery_id, team, period, begins, destination, sent_at)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING true
"""
_KNOWN_SQL = "SELECT watched, opened_on, calm_since FROM episodes WHERE team = %s"
_FORGET_SQL = "DELETE FROM episodes WHERE team = %s"
_KEEP_SQL = "INSERT INTO episodes (team, watched, opened_on, calm_since) VALUES (%s, %s, %s, %s)"

log = structlog.get_logger(__name__)


class TellingTeams:
    """`address` is where the pages are."""

    def __init__(self, source: Source, entries: Sequence[DigestEntry], address: str) -> None:
        self._source = source
        self._entries = entries
        self._address = address
        # Alerts are about days that have ended: one look a day is enough.
        self._looked_on: dict[str, date] = {}

    def run(self, stop: Stop) -> None:
        """Works once a minute until `stop`."""
        while not stop.is_set():
            try:
                self.turn()
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("teams are told later", error=type(error).__name__)
            stop.wait(EVERY_SECONDS)

    def turn(self) -> None:
        """Tells what is due now, one transaction a team; of two processes the second finds nothing left."""
        now, today = self._source.now(), self._source.today()
        is_time = now.astimezone(self._source.zone).time() >= TOLD_FROM
        for entry in self._entries:
            with self._source.pool.connection() as connection:
                connection.execute(_ALONE_SQL)
                for one in due([entry], now, self._source.zone):
                    self._digest(connection, one)
                if looks := is_time and self._looked_on.get(entry.team) != today:
                    self._alert(connection, entry, today)
            if looks:
                self._looked_on[entry.team] = today

    def _digest(self, connection: Connection[Any], one: Due) -> None:
        now, words = self._source.now(), None
        for destination in one.entry.to:
            id_ = one.delivery_id(destination)
            row = (id_, one.entry.team, one.every, one.since, destination, now)
            if connection.execute(_FIRST_SQL, row).fetchone() is None:
                continue
            words = words or digest_words.text(
                connection, self._source.counting(), one, zone=self._source.zone, address=self._address
            )
            request = DeliveryRequested(
                delivery_id=id_,
                kind=DeliveryKind.DIGEST,
                team=one.entry.team,
                destination=destination,
                content={"title": digest_words.title(one), "text": words},
                requested_at=now,
                expires_at=now + LASTS[one.every],
            )
            _publish(connection, request)
            log.info("digest asked for", team=one.entry.team, every=one.every, destination=destination)

    def _alert(self, connection: Connection[Any], entry: DigestEntry, today: date) -> None:
        if not entry.alert_by:
            return
        known = {watched: Episode(*rest) for watched, *rest in connection.execute(_KNOWN_SQL, (entry.team,))}
        decision = episodes(signals(self._source.counting(), entry, today), known, today)
        _keep(connection, entry.team, known, decision.going_on)
        for signal in decision.told:
            self._tell(connection, entry, signal, today)

    def _tell(self, connection: Connection[Any], entry: DigestEntry, signal: Signal, today: date) -> None:
        now = self._source.now()
        words = f"{signal.words} in 28 days, against the 28 days before.\n\nAll of it: {self._address}/"
        for destination in entry.to:
            id_ = derived_id(NAMESPACE, "alert", entry.team, signal.watched, today.isoformat(), destination)
            request = DeliveryRequested(
                delivery_id=id_,
                kind=DeliveryKind.ALERT,
                team=entry.team,
                destination=destination,
                content={"title": "Something changed in what customers say", "text": words},
                requested_at=now,
                expires_at=now + ALERT_LASTS,
            )
            _publish(connection, request)
        log.info("alert asked for", team=entry.team, watched=signal.watched)


def _keep(
    connection: Connection[Any], team: str, known: Mapping[str, Episode], going_on: Mapping[str, Episode]
) -> None:
    if known == going_on:
        return
    connection.execute(_FORGET_SQL, (team,))
    with connection.cursor() as cursor:
        rows = [(team, watched, one.opened_on, one.calm_since) for watched, one in going_on.items()]
        cursor.executemany(_KEEP_SQL, rows)


def _publish(connection: Connection[Any], request: DeliveryRequested) -> None:
    message = to_message(request, source=SOURCE, traceparent=new_traceparent())
    outbox.append(connection, [message])
