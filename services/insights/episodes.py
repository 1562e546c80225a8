"""When a change is worth an alert: once, until things have been calm again for a while. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from services.insights.definitions import Change

WATCHED_DAYS = 28
"""The period that is compared with the one of the same length before."""
SURE = 1.5
"""How many margins a change is beyond before it counts. Many segments are looked at every day: with one
margin alone, chance would raise an alert a day among twenty."""
CALM_DAYS = 7
"""Days without the change after which its episode ends; a new one is told again."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What was measured of something that is watched. `watched` names it, and the direction."""

    watched: str
    words: str
    change: Change


@dataclass(frozen=True, slots=True)
class Episode:
    """Something unusual that goes on; `calm_since`: the first day on which it was not seen any more."""

    opened_on: date
    calm_since: date | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is told now, and which episodes go on."""

    told: tuple[Signal, ...]
    going_on: Mapping[str, Episode]


def episodes(seen: Iterable[Signal], known: Mapping[str, Episode], today: date) -> Decision:
    """Opens an episode for each unusual change that has none, and ends those that were calm for long."""
    unusual = {one.watched: one for one in seen if is_unusual(one.change)}
    open_ones = {watched: one for watched, one in known.items() if not _has_ended(one, today)}
    going_on = {
        watched: Episode(one.opened_on, None if watched in unusual else one.calm_since or today)
        for watched, one in open_ones.items()
    }
    told = tuple(one for one in unusual.values() if one.watched not in open_ones)
    return Decision(told, going_on | {one.watched: Episode(today) for one in told})


def _has_ended(episode: Episode, today: date) -> bool:
    calm_since = episode.calm_since
    return calm_since is not None and today - calm_since >= timedelta(days=CALM_DAYS)


def is_unusual(change: Change) -> bool:
    """Whether a change is beyond what chance does among the many that are looked at."""
    return not change.is_low and abs(change.value) > SURE * change.margin and change.value != 0
