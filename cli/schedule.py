"""`feedback schedule …`: decisions with their reasons, and the days to come."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer
from pydantic import SecretStr
from rich.table import Table

from cli import scheduler_tables
from cli.programs import read
from cli.progress import progress_bar
from cli.rehearsed import Counts, print_counts
from cli.tables import tables_of
from cli.terminal import console, errors, show
from runtime.settings import EnvironmentSettings, load
from services.ingest.identity import customer_key, email_key
from services.scheduler import store
from services.scheduler.books import open_books
from services.scheduler.programs import Programs
from services.scheduler.rehearsal import Stage, play
from services.scheduler.rounds import Decided

EXACT_UP_TO = 100_000
"""Pieces of work that a forecast plays one by one: a minute on a small machine."""
_KEY = re.compile(r"[0-9a-f]{32}")


class _Secret(EnvironmentSettings):
    person_key_secret: SecretStr


def explain(person: str, program: str | None) -> None:
    """Prints every decision about a person, oldest last, and what is planned."""
    with tables_of("scheduler", read_only=True) as connection:
        email = person if "@" in person else None
        key = scheduler_tables.standing_key(connection, _key(person), email)
        decisions, works = store.explain(connection, key, program)
    if not decisions and not works:
        console.print("Nothing was decided and nothing is planned for this person.")
        raise typer.Exit(1)
    if decisions:
        show(_decisions(decisions))
    if works:
        show(_works(works))


def forecast(folder: Path, days: int) -> None:
    """Plays the work that is pending, with the turns that follow, and prints what comes of it."""
    programs = read(folder)
    begins = datetime.now(UTC)
    ends = begins + timedelta(days=days)
    with tables_of("scheduler", read_only=True) as connection, progress_bar(errors) as progress:
        task = progress.add_task("days played", total=days)
        counts = Counts()
        for now, done in rehearsed(connection, programs, begins, ends, counts):
            counts.add(now, done)
            progress.update(task, completed=(now - begins).days)
    if counts.each_stands_for > 1:
        console.print(f"Estimated from one account in {counts.each_stands_for}.")
    print_counts(counts, console)


def rehearsed(
    connection: scheduler_tables.Connection,
    programs: Programs,
    begins: datetime,
    ends: datetime,
    counts: Counts,
) -> Iterator[tuple[datetime, Decided]]:
    """Every decision about what is pending until a time, after what was asked today.

    Of more than EXACT_UP_TO pieces of work only those of a fair sample of accounts are played, each for
    several; `counts` is told for how many.
    """
    books = open_books(connection, {}, programs, begins, reads_only=True)
    one_in = 1 + scheduler_tables.count_ready(connection, ends) // EXACT_UP_TO
    books.weight = counts.each_stands_for = one_in
    ready = scheduler_tables.ready(connection, ends, one_in=one_in)
    return play(ready, Stage(programs, begins, ends, books))


def _key(person: str) -> str:
    if _KEY.fullmatch(person):
        return person
    secret = load(_Secret).person_key_secret.get_secret_value().encode()
    return email_key(secret, person) if "@" in person else customer_key(secret, person)


def _decisions(rows: list[dict[str, Any]]) -> Table:
    table = Table("decided", "program", "outcome", "because", "next eligible", box=None, pad_edge=False)
    for row in rows:
        facts = ", ".join(f"{name} = {value}" for name, value in row["fact"].items())
        because = f"{row['gate']}: {facts}" if row["gate"] else ""
        table.add_row(
            _time(row["decided_at"]), row["program"], row["outcome"], because, _time(row["next_eligible_at"])
        )
    return table


def _works(rows: list[dict[str, Any]]) -> Table:
    table = Table("due", "program", "state", "looked at", "given up", box=None, pad_edge=False)
    for row in rows:
        looked_at = _time(row["look_at"]) if row["state"] == "pending" else ""
        table.add_row(
            _time(row["due_at"]), row["program"], row["state"], looked_at, _time(row["gives_up_at"])
        )
    return table


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""
