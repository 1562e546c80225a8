"""`feedback import`: answers, people, accounts and moments from a CSV or JSONL file, through ingest's API."""

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from cli.import_columns import Kind
from cli.import_run import Import, Options
from schemas.event import Effects
from schemas.scales import Metric


def import_(
    kind: Annotated[
        Kind,
        typer.Argument(
            help="history: answers of the past, each with its time. moments: what happened to customers."
        ),
    ],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="*.jsonl, else CSV; UTF-8.")],
    *,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="field=column where the guess is wrong; `field=` leaves one out."),
    ] = None,
    metric: Annotated[Metric | None, typer.Option(help="What was asked, where no column says so.")] = None,
    scores: Annotated[
        str | None,
        typer.Option(help="What scores mean on our scale, where the file has another: 1=0,2=1,3=3,…"),
    ] = None,
    time_zone: Annotated[str, typer.Option(help="Of times without an offset, e.g. Europe/Berlin.")] = "UTC",
    alert: Annotated[
        bool, typer.Option("--alert", help="Let rules act on these answers as on new ones.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing; say what would be refused.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether the columns are right.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Begin at the first row again.")] = False,
) -> None:
    """Import answers, people, accounts or moments from a file: shows its columns, asks, sends it to ingest.

    Ingest is at INGEST_URL, the key is FEEDBACK_API_KEY. Nobody is alerted unless --alert is given. A row is
    stored once however often it is sent; what ended early goes on where it ended. Exports of Delighted,
    Wootric and AskNicely need no --map. Refused rows go to FILE.rejected.csv with the reason.
    """
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter(f"{time_zone!r} is no time zone; expected such as Europe/Berlin") from None
    planned = Import.planned(
        kind,
        file,
        given=columns or [],
        metric=metric,
        scores=scores_of(scores) if scores else None,
        effects=Effects.DELIVER if alert else Effects.RECORD,
        zone=zone,
    )
    planned.run(Options(dry_run=dry_run, yes=yes, restart=restart))


def scores_of(text: str) -> dict[str, int]:
    """What `1=0,2=1` means. Raises typer.BadParameter."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    try:
        return {theirs.strip(): int(ours) for theirs, _, ours in pairs}
    except ValueError:
        raise typer.BadParameter(f"expected their score=ours, such as 1=0,2=1,3=3, not {text!r}") from None
