from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from runtime.clock import CREATE_SQL, ShiftedClock, turn_forward
from tests.integration.runtime.world import until


@pytest.fixture
def clocked(database: str) -> Iterator[str]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(CREATE_SQL)
        yield database
        connection.execute("DROP SCHEMA runtime CASCADE")


def offset(clock: ShiftedClock) -> timedelta:
    return clock.now() - datetime.now(UTC)


def test_every_clock_follows_when_time_is_turned_forward(clocked: str) -> None:
    with closing(ShiftedClock(clocked)) as one, closing(ShiftedClock(clocked)) as other:
        assert abs(offset(one)) < timedelta(seconds=1)
        assert turn_forward(clocked, timedelta(days=30)) == timedelta(days=30)
        assert turn_forward(clocked, timedelta(days=1)) == timedelta(days=31)
        follows = timedelta(days=30, hours=23)
        until(lambda: offset(one) > follows and offset(other) > follows, "both follow", 5)


def test_a_clock_starts_where_time_was_turned_to(clocked: str) -> None:
    turn_forward(clocked, timedelta(days=2))
    with closing(ShiftedClock(clocked)) as clock:
        assert offset(clock) > timedelta(days=1, hours=23)


def test_a_lost_connection_keeps_the_offset_and_is_made_again(clocked: str) -> None:
    turn_forward(clocked, timedelta(days=2))
    with closing(ShiftedClock(clocked)) as clock, psycopg.connect(clocked, autocommit=True) as connection:
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'business-clock'"
        )
        until(lambda: connection.execute(cut).fetchall(), "it is connected")
        assert offset(clock) > timedelta(days=1, hours=23)
        turn_forward(clocked, timedelta(days=1))
        until(lambda: offset(clock) > timedelta(days=2, hours=23), "it follows again")
