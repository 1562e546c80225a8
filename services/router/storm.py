"""When so many cards come at once that they would bury a channel. Pure.

A storm has one summary card; the cards of its answers go into the summary's thread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

WINDOW = timedelta(minutes=10)
DEFAULT_PEOPLE = 20
"""Distinct people whose cards a channel takes within the window."""
ACCOUNT_PEOPLE = 3
"""Distinct people of one account whose cards a channel takes within the window."""
LOOK_BACK_CARDS = 10
"""For each person that a channel takes, how many of its latest cards are looked at."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A card that was planned for a channel, at `at` in business time."""

    person_key: str
    account_id: str | None
    at: datetime


class Scope(NamedTuple):
    """Whom a storm is about: everybody, or the people of one account."""

    account_id: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a summary card tells. `account` is set where the storm is about one account."""

    account: str | None
    people: int
    accounts: Sequence[str]
    """Names of those with the most cards."""
    groups: Mapping[str, int]
    """Cards by group."""


@dataclass(frozen=True, slots=True)
class Storm:
    """A storm of a channel; `number` counts the channel's storms from 1."""

    number: int
    scope: Scope
    last_at: datetime


def scope_of(card: Shown, recent: Sequence[Shown], people: int) -> Scope | None:
    """The storm that a card belongs in, None where it stands for itself.

    `recent` are the channel's cards before it; `people` is how many distinct people the channel takes within
    the window, 0: any number.
    """
    if people == 0:
        return None
    near = [one for one in recent if card.at - WINDOW < one.at <= card.at]
    if len({card.person_key, *(one.person_key for one in near)}) > people:
        return Scope(None)
    if card.account_id is None:
        return None
    colleagues = {one.person_key for one in near if one.account_id == card.account_id}
    return Scope(card.account_id) if len(colleagues | {card.person_key}) > ACCOUNT_PEOPLE else None


def storm_of(scope: Scope, at: datetime, latest: Sequence[Storm]) -> Storm:
    """The storm of this scope that goes on at this time, else the channel's next one.

    `latest` are the channel's storms so far. One in which nothing came for the length of a window is over.
    """
    going_on = [storm for storm in latest if storm.scope == scope and at - storm.last_at < WINDOW]
    if going_on:
        return Storm(going_on[-1].number, scope, max(at, going_on[-1].last_at))
    return Storm(max((storm.number for storm in latest), default=0) + 1, scope, at)
