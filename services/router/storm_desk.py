"""Gathers the cards that would bury a channel below one summary card, in planning's transaction."""

from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any

import psycopg

from runtime.tracing import new_traceparent
from services.router import effect_store, storm_store
from services.router.effect import EffectRow, Parent, effect_id
from services.router.facts import Facts
from services.router.ledger import lane_below
from services.router.plugins import AnyPlugin
from services.router.storm import LOOK_BACK_CARDS, Shown, Storm, Summary, scope_of, storm_of
from services.router.storm_store import CardRow, Place

Connection = psycopg.Connection[Any]
Rows = MutableMapping[tuple[str, str], EffectRow]

SUMMARY = "summary"
"""Action and rule of a storm's own effect: no rule of the user asks for it, so none takes it back."""
_LONGEST_PERSON_KEY = 64


class StormDesk:
    """`people`: how many distinct people's cards a place takes within ten minutes; 0 takes any number."""

    def __init__(self, plugins: Mapping[str, AnyPlugin], people: int) -> None:
        self._plugins = plugins
        self._people = people

    def gather(self, connection: Connection, rows: Rows, facts: Mapping[str, Facts], now: datetime) -> None:
        """Put what is created into storms: `rows` by subject and action, `facts` by subject."""
        cards = [row for row in rows.values() if self._is_card(row)] if self._people else []
        if not cards:
            return
        places = sorted({_place(row) for row in cards})
        storm_store.lock(connection, places)
        most = (self._people + 1) * LOOK_BACK_CARDS
        recent = {place: storm_store.recent(connection, place, now, most) for place in places}
        storms = {place: storm_store.storms(connection, place) for place in places}
        written: list[CardRow] = []
        touched: dict[tuple[Place, int], tuple[Storm, EffectRow]] = {}
        for row in cards:
            place, about = _place(row), facts[row.subject]
            card = Shown(about.profile.key, row.account_id, now)
            scope = scope_of(card, recent[place], self._people)
            recent[place].append(card)
            storm = None
            if scope is not None:
                storm = storm_of(scope, now, storms[place])
                storms[place] = [one for one in storms[place] if one.number != storm.number] + [storm]
                touched[place, storm.number] = storm, row
                rows[row.subject, row.action] = _below(row, place, storm)
            written.append(_card_row(row, place, card, about, storm))
        storm_store.write(connection, written, [(place, storm) for (place, _), (storm, _) in touched.items()])
        for (place, _), (storm, member) in touched.items():
            summary = self._summary(connection, place, storm, member)
            rows[summary.subject, summary.action] = summary

    def _is_card(self, row: EffectRow) -> bool:
        is_shown = row.is_new and row.is_wanted and not row.is_scheduled and row.parent is None
        return is_shown and self._plugins[row.destination].summarise is not None

    def _summary(self, connection: Connection, place: Place, storm: Storm, member: EffectRow) -> EffectRow:
        plugin = self._plugins[place.destination]
        if plugin.summarise is None:
            raise TypeError(f"{place.destination} has no summaries")
        totals = storm_store.totals(connection, place, storm.number)
        about_one = storm.scope.account_id is not None
        told = Summary(
            account=next(iter(totals.accounts), storm.scope.account_id) if about_one else None,
            people=totals.people,
            accounts=totals.accounts,
            groups=totals.groups,
        )
        content = plugin.summarise(told, plugin.content.model_validate_json(member.content))
        subject = subject_of(place, storm.number)
        stored = effect_store.of_subjects(connection, [subject]).get(subject, {}).get(SUMMARY)
        return EffectRow(
            subject=subject,
            action=SUMMARY,
            effect_id=effect_id(subject, SUMMARY),
            rule=SUMMARY,
            destination=place.destination,
            person_key=subject[:_LONGEST_PERSON_KEY],
            account_id=storm.scope.account_id,
            program=None,
            channel=None,
            received_at=None,
            expires_at=None,
            traceparent=new_traceparent(),
            content=content.model_dump_json(),
            is_wanted=True,
            desired_version=stored.desired_version + 1 if stored else 1,
            order_key=subject,
            rate_key=member.rate_key,
            is_new=stored is None,
        )


def subject_of(place: Place, number: int) -> str:
    """The ledger's name of a storm."""
    return f"storm:{place.name}:{number}"


def _place(row: EffectRow) -> Place:
    return Place(row.destination, row.rate_key)


def _below(row: EffectRow, place: Place, storm: Storm) -> EffectRow:
    parent = Parent(subject_of(place, storm.number), SUMMARY)
    return row._replace(parent=parent, order_key=lane_below(effect_id(*parent)))


def _card_row(row: EffectRow, place: Place, card: Shown, about: Facts, storm: Storm | None) -> CardRow:
    return CardRow(
        place=place,
        subject=row.subject,
        action=row.action,
        card=card,
        account_name=about.account.name if about.account else None,
        group=about.response.group if about.response else None,
        storm=storm.number if storm else None,
    )
