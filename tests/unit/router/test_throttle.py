"""Rate limits and the circuit breaker, on a clock set by hand."""

import pytest

from services.router.destination import Ambiguous, Delivered, Failed, Retry
from services.router.throttle import BREAKER_OPENS_AFTER, Breaker, RateLimit


class _Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_one_call_a_second_for_each_key() -> None:
    limit = RateLimit(1)
    assert limit.burst == 1
    assert limit.take("#a")
    assert not limit.take("#a")
    assert limit.left() == {"#a": 0}
    assert limit.take("#b")


def test_no_limit_takes_every_call() -> None:
    limit = RateLimit(None)
    assert all(limit.take("") for _ in range(1000))
    assert limit.left() == {}


@pytest.mark.parametrize(("calls_per_second", "burst"), [(0.5, 1), (1, 1), (20.0, 20)])
def test_a_burst_is_a_window_s_worth(calls_per_second: float, burst: int) -> None:
    limit = RateLimit(calls_per_second)
    assert [limit.take("") for _ in range(burst + 1)] == [True] * burst + [False]


def test_what_is_left_of_a_burst_is_told() -> None:
    limit = RateLimit(20)
    limit.take("")
    assert limit.left() == {"": 19}


def test_a_key_is_left_alone_as_long_as_the_destination_asked() -> None:
    clock = _Clock()
    limit = RateLimit(None, clock)
    limit.hold("#a", 30)
    limit.hold("#a", 5)
    clock.seconds = 29
    assert limit.left() == {"#a": 0}
    clock.seconds = 30
    assert limit.left() == {}


def _fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.note(Retry("down"))


def test_the_breaker_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(_Clock())
    _fail(breaker, BREAKER_OPENS_AFTER - 1)
    breaker.note(Delivered())
    _fail(breaker, BREAKER_OPENS_AFTER - 1)
    assert breaker.state == "closed"
    breaker.note(Ambiguous("timeout"))
    assert breaker.state == "open"


@pytest.mark.parametrize("result", [Retry("rate_limited", 3), Failed("no_such_channel")])
def test_an_answer_is_no_failure(result: object) -> None:
    breaker = Breaker(_Clock())
    for _ in range(BREAKER_OPENS_AFTER + 1):
        breaker.note(result)
    assert breaker.state == "closed"


def test_pauses_grow_until_a_call_succeeds() -> None:
    clock = _Clock()
    breaker = Breaker(clock)
    _fail(breaker, BREAKER_OPENS_AFTER)
    first = breaker.next_try_in_seconds
    clock.seconds += first
    assert breaker.state == "half_open"
    _fail(breaker, 1)
    assert breaker.next_try_in_seconds == 2 * first
    clock.seconds += 2 * first
    breaker.note(Delivered())
    assert breaker.state == "closed"
