"""`feedback insights`: the read model behind the figures."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import typer

from cli.archived import event_of
from cli.tables import tables_of
from cli.terminal import console, end
from runtime.settings import load
from schemas.erasures import ErasureRequested
from schemas.profiles import ProfileErased
from services.ingest import archive
from services.insights.intake import READ, Said
from services.insights.rebuild import differences, rebuild, totals
from services.insights.settings import ReportingSettings

EVER = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN = 20
"""Differences that are named."""

insights = typer.Typer(help="The read model behind the figures.", no_args_is_help=True)


@insights.callback()
def _group() -> None:
    """Keeps `rebuild` a command of its own name while it is the only one."""


@insights.command("rebuild")
def rebuild_all(
    *, check: bool = typer.Option(False, "--check", help="Keep what is there; only say what would differ.")
) -> None:
    """Count everything anew from the archive, in days of REPORTING_TIME_ZONE. Figures stay up meanwhile.

    Ends with code 1 where `--check` finds a difference.
    """
    zone = load(ReportingSettings).zone
    with tables_of("ingest", read_only=True) as archived, tables_of("insights") as tables:
        before = totals(tables)
        events = rebuild(tables, said(archived), zone)
        differing = differences(before, totals(tables))
        if check:
            tables.rollback()
    for (metric, dimension, value), by in sorted(differing.items())[:SHOWN]:
        console.print(f"{metric}: {dimension} {value!r} {by:+}")
    console.print(f"{events} events of the archive; {len(differing)} totals differ from those before")
    if check and differing:
        end("What stands there is not what the archive says; `feedback insights rebuild` puts it right.")


def said(archived: psycopg.Connection[tuple[object, ...]]) -> Iterator[Said]:
    """What the archive holds for insights: who was erased first, then each topic."""
    choice = archive.Choice(ErasureRequested.TOPIC, [ErasureRequested.TYPE], EVER)
    for message in archive.read(archived, choice):
        asked = event_of(message, ErasureRequested)
        if asked is not None:
            yield from (ProfileErased(key, asked.requested_at) for key in (asked.person_key, *asked.aliases))
    for model in READ:
        for message in archive.read(archived, archive.Choice(model.TOPIC, [model.TYPE], EVER)):
            event = event_of(message, model)
            if event is not None:
                yield event
