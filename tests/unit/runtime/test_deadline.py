import threading
import time

import pytest

from runtime.deadline import remaining, within


def test_a_call_that_ends_in_time_returns_what_it_returns() -> None:
    assert within(5, lambda: "done") == "done"


def test_a_call_raises_what_it_raises() -> None:
    nothing: dict[str, str] = {}

    with pytest.raises(KeyError, match="lost"):
        within(5, lambda: nothing["lost"])


def test_a_call_that_hangs_is_given_up_at_the_deadline() -> None:
    release = threading.Event()
    started = time.monotonic()

    with pytest.raises(TimeoutError):
        within(0.2, release.wait)

    assert 0.15 < time.monotonic() - started < 1
    release.set()


def test_an_abandoned_call_begins_nothing_new() -> None:
    release, refused = threading.Event(), threading.Event()

    def call() -> None:
        release.wait()
        try:
            remaining()
        except TimeoutError:
            refused.set()

    with pytest.raises(TimeoutError):
        within(0.1, call)
    release.set()

    assert refused.wait(5)


def test_a_call_learns_what_is_left() -> None:
    assert 4 < within(5, remaining) <= 5
