import threading
from dataclasses import replace
from itertools import count

import pytest

from runtime.progress import Standing
from runtime.watchdog import Stalled, Watch, Watchdog, watch

STUCK = Standing(lag_records=5, position=((("t", 0), 10),), waits=0)
MOVED = Standing(lag_records=5, position=((("t", 0), 11),), waits=0)
IDLE = Standing(lag_records=0, position=((("t", 0), 10),), waits=0)
ASKING = Standing(lag_records=5, position=((("t", 0), 10),), waits=1)


def test_standing_still_with_work_counts_from_the_last_movement() -> None:
    assert watch(Watch(STUCK, 100), STUCK, 130) == Watch(STUCK, 100)


@pytest.mark.parametrize("standing", [MOVED, IDLE, ASKING])
def test_movement_no_work_or_a_failed_attempt_starts_over(standing: Standing) -> None:
    assert watch(Watch(STUCK, 100), standing, 130).since == 130


def test_the_first_look_starts_the_watch() -> None:
    assert watch(None, STUCK, 130).since == 130


def test_a_consumer_that_does_not_move_ends_the_worker() -> None:
    with pytest.raises(Stalled, match="5 records wait"):
        Watchdog(lambda: STUCK, stalled_seconds=0.1).run(threading.Event())


def test_a_consumer_that_keeps_asking_for_a_dependency_does_not() -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    attempts = count()
    Watchdog(lambda: replace(STUCK, waits=next(attempts)), stalled_seconds=0.1).run(stop)
