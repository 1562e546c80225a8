"""`--since` of every command that looks back: a time, or how long ago."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

Since = Annotated[str, typer.Option(help="A time (2026-11-22T10:00Z) or how long ago: 30m, 12h, 7d, 4w.")]
_AGO = re.compile(r"(\d{1,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(written: str, now: datetime | None = None) -> datetime:
    """The time that is written, in this machine's zone where it names none, or the one so long ago.

    Left out, `now` is the clock's. Raises typer.BadParameter for anything else.
    """
    if ago := _AGO.fullmatch(written):
        return (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        given = datetime.fromisoformat(written)
        return given if given.tzinfo else given.astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"expected a time such as 2026-11-22T10:00Z, or 30m, 12h, 7d, 4w, not {written!r}"
        ) from None
