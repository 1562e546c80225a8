"""How far back a command looks."""

from datetime import UTC, datetime

import pytest
import typer

from cli.since import moment

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("30m", datetime(2026, 11, 23, 11, 30, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 23, 0, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 16, 12, tzinfo=UTC)),
        ("4w", datetime(2026, 10, 26, 12, tzinfo=UTC)),
        ("2026-11-22T10:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22).astimezone()),
    ],
)
def test_a_time_or_how_long_ago(written: str, meant: datetime) -> None:
    assert moment(written, NOW) == meant


@pytest.mark.parametrize("written", ["", "yesterday", "90", "-7d", "7y", "99999d", "d"])
def test_anything_else_is_refused_with_what_was_expected(written: str) -> None:
    with pytest.raises(typer.BadParameter, match="30m, 12h, 7d, 4w"):
        moment(written, NOW)
