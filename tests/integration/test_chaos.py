"""Routers killed while the outside loses, refuses and delays calls; `make chaos` does it at length."""

from pathlib import Path

import pytest

from bench import chaos

DELIVERIES = 400
KILLS = 2


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_nothing_is_lost_or_twice_there_or_left_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Servers of its own, whatever the environment names.
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)

    outcome = chaos.run(tmp_path, deliveries=DELIVERIES, kills=KILLS)

    assert (outcome.wrong_messages, outcome.wrong_cases, outcome.unsettled) == ({}, {}, 0)
    assert outcome.cases == outcome.persons
    assert outcome.kills == KILLS
    assert min(outcome.faults, outcome.doubts) > 0
