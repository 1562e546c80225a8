"""When a change is told, and when again."""

from datetime import date, timedelta

import pytest

from services.insights.definitions import Change
from services.insights.episodes import CALM_DAYS, Episode, Signal, episodes

TODAY = date(2026, 5, 4)


def signal(value: float, margin: float = 10, *, is_low: bool = False) -> Signal:
    return Signal("score", "NPS of somebody", Change(value, margin, is_low))


@pytest.mark.parametrize(
    ("seen", "is_told"),
    [
        (signal(15.1), True),
        (signal(-15.1), True),
        (signal(15), False),
        (signal(40, is_low=True), False),
        (signal(0, margin=0), False),
    ],
)
def test_only_what_is_well_beyond_chance_is_told(seen: Signal, is_told: bool) -> None:
    decision = episodes([seen], {}, TODAY)
    assert (decision.told == (seen,), "score" in decision.going_on) == (is_told, is_told)


def test_an_episode_is_told_once_and_again_after_it_was_calm() -> None:
    known: dict[str, Episode] = {}
    told = []
    unusual = {0, 1, 2, 5, 6, 6 + CALM_DAYS + 1}
    for day in range(20):
        seen = [signal(-30 if day in unusual else -1)]
        decision = episodes(seen, known, TODAY + timedelta(days=day))
        known = dict(decision.going_on)
        told += [day] * len(decision.told)
    assert told == [0, 6 + CALM_DAYS + 1]


def test_looking_twice_a_day_changes_nothing() -> None:
    first = episodes([signal(30)], {}, TODAY)
    again = episodes([signal(30)], first.going_on, TODAY)
    assert (again.told, again.going_on) == ((), first.going_on)
