"""Schedulers killed while they race, with clocks that are wrong; `make race` does it at length."""

from pathlib import Path

import pytest

from bench import race
from runtime.migrations import migrate

PEOPLE = 200
SECONDS = 15
KILL_EVERY_SECONDS = 4


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_nobody_is_asked_too_often_or_forgotten(topics: str, database: str, tmp_path: Path) -> None:
    migrate(database, "scheduler")

    outcome = race.run(
        topics, database, tmp_path, people=PEOPLE, seconds=SECONDS, kill_every_seconds=KILL_EVERY_SECONDS
    )

    assert (outcome.violations, outcome.lost, outcome.doubled) == (0, 0, 0)
    assert min(outcome.surveys, outcome.kills) > 0
