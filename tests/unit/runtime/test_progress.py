import math
from datetime import UTC, datetime, timedelta

import pytest

from runtime.progress import Progress

AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


def test_lag_is_what_is_written_and_not_processed() -> None:
    progress = Progress()
    progress.measured({("t", 0): 100, ("t", 1): 50, ("u", 0): 9}, {("t", 0): 90, ("t", 1): 50, ("u", 0): 0})
    assert (progress.lag_records("t"), progress.lag_records("u")) == (10, 9)
    progress.done(("t", 0), 100)
    assert progress.lag_records("t") == 0


def test_records_in_hand_are_lag_before_the_next_measurement() -> None:
    progress = Progress()
    progress.taken(("t", 0), first_at=AN_HOUR_AGO, end=10)
    assert progress.standing().lag_records == 10


def test_the_oldest_unprocessed_record_ages_until_all_is_processed() -> None:
    progress = Progress()
    assert progress.oldest_unprocessed_seconds("t") == 0
    progress.taken(("t", 0), first_at=datetime.now(UTC) - timedelta(hours=1), end=10)
    assert 3600 <= progress.oldest_unprocessed_seconds("t") < 3700
    progress.done(("t", 0), 10)
    assert progress.oldest_unprocessed_seconds("t") == 0


def test_partitions_that_were_given_away_count_no_more() -> None:
    progress = Progress()
    progress.measured({("t", 0): 100}, {("t", 0): 0})
    progress.measured({("t", 1): 5}, {("t", 1): 5})
    assert progress.standing().lag_records == 0


def test_what_is_known_is_as_old_as_the_measurement_that_processing_has_come_up_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = [0.0]
    monkeypatch.setattr("runtime.progress.time.monotonic", lambda: seconds[0])
    progress = Progress()
    assert progress.age_seconds() == math.inf
    progress.measured({("t", 0): 100, ("t", 1): 5}, {("t", 0): 90})
    seconds[0] = 2.0
    progress.measured({("t", 0): 200, ("t", 1): 5}, {("t", 0): 90, ("t", 1): 5})
    assert progress.age_seconds() == math.inf
    seconds[0] = 3.0
    progress.done(("t", 0), 100)  # not the 200 of later: under steady load one would never be there
    assert progress.age_seconds() == 3
    progress.measured({("t", 0): 200, ("t", 1): 5}, {("t", 0): 200, ("t", 1): 5})
    assert progress.age_seconds() == 0


def test_what_is_known_of_partitions_that_were_given_away_is_waited_for_no_more() -> None:
    progress = Progress()
    progress.measured({("t", 0): 100}, {("t", 0): 0})
    progress.measured({}, {})
    assert progress.age_seconds() < 60


def test_an_idle_consumer_whose_broker_is_silent_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress()
    progress.unmeasured()
    assert progress.trouble("g", is_member=True) is None  # once is not silence
    monkeypatch.setattr("runtime.progress.UNHEARD_SECONDS", -1)
    assert progress.trouble("g", is_member=True) == "g waits for a broker"
    progress.measured({}, {})
    assert progress.trouble("g", is_member=True) is None
