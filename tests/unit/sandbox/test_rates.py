from sandbox.rates import Factor, TokenBucket


def test_a_burst_then_the_rate() -> None:
    bucket = TokenBucket(1, 3, Factor())
    assert [bucket.take(10.0) for _ in range(4)] == [0, 0, 0, 1]
    assert bucket.take(10.9) == 1
    assert bucket.take(11.0) == 0
    assert [bucket.take(100.0) for _ in range(4)] == [0, 0, 0, 1]


def test_a_slow_rate_says_how_long_to_wait() -> None:
    bucket = TokenBucket(1 / 30, 1, Factor())
    assert bucket.take(0.0) == 0
    assert bucket.take(3.0) == 27


def test_the_factor_raises_the_limit_at_once() -> None:
    factor = Factor()
    bucket = TokenBucket(1, 1, factor)
    assert [bucket.take(0.0), bucket.take(0.0)] == [0, 1]
    factor.value = 1000
    assert [bucket.take(1.0) for _ in range(1000)] == [0] * 1000
