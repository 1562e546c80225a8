"""The search for cycles rests while work that makes none goes on, and only then."""

import gc

import pytest

from runtime.uncollected import uncollected


def test_it_goes_on_when_the_last_one_leaves() -> None:
    assert gc.isenabled()
    with uncollected():
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_after_a_failure() -> None:
    with pytest.raises(ValueError, match="batch"), uncollected():
        raise ValueError("batch")
    assert gc.isenabled()


def test_it_stays_off_where_it_was_off() -> None:
    gc.disable()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
