"""Shows the card of an answer to another team, once."""

from datetime import datetime
from typing import Any

import psycopg

from services.router import effect_store
from services.router.letters import answered, asked_by_hand
from services.router.people import People
from services.router.plugins import AnyPlugin
from services.router.slack import store

Connection = psycopg.Connection[Any]


def show_to(
    connection: Connection, subject: str, team_id: str, people: People, *, plugin: AnyPlugin, now: datetime
) -> bool:
    """Show the card in the team's channel, in the caller's transaction.

    False: the team has no channel, or the answer no card.
    """
    channel = people.teams[team_id].slack_channel
    shown = store.cards_of(connection, [subject]).get(subject)
    if channel is None or shown is None or shown.content.card is None:
        return False
    content = shown.content.model_copy(update={"channel": channel, "to": None})
    # A team's id may be as long as an action's, of which the events take this much.
    action, rate_key = f"handed_to_{team_id}"[:64], plugin.rate_key(content)
    known = effect_store.of_subjects(connection, [subject]).get(subject, {})
    if action in known or shown.content.channel.removeprefix("#") == rate_key:
        return True
    card = shown.content.card
    about = answered(card.subject, card.person_key, card.account_id)
    row = asked_by_hand(about, action, plugin.name, content.model_dump_json(), rate_key=rate_key)
    effect_store.write(connection, [row._replace(repeats=shown.action)], now=now)
    return True
