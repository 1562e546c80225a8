"""`feedback keys …`: the API keys of ingest's callers."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from cli.tables import tables_of
from cli.terminal import console, end, show
from services.ingest import key_store
from services.ingest.api_keys import RESERVED_SOURCE, SOURCE_NAME, Scope, new_key

keys = typer.Typer(help="API keys: who may send answers and profiles.", no_args_is_help=True)


_DAYS = re.compile(r"(\d{1,4})d")


@keys.command()
def create(
    source: Annotated[str, typer.Argument(help="Whose records the key brings, e.g. crm.")],
    scope: Annotated[list[Scope] | None, typer.Option(help="May be repeated. Default: all.")] = None,
    expires: Annotated[
        str | None,
        typer.Option(help="A date (2027-11-22, ends at 0:00 UTC) or a span (90d). Default: never."),
    ] = None,
) -> None:
    """Make a key and show it, this once: only its hash is kept. It works within two seconds."""
    if not SOURCE_NAME.fullmatch(source) or source == RESERVED_SOURCE:
        raise typer.BadParameter(
            f"expected a name of a-z 0-9 . _ - (at most 64 characters), not {RESERVED_SOURCE}, not {source!r}"
        )
    expires_at = expires and end_of(expires, datetime.now(UTC))
    key = new_key()
    with tables_of("ingest") as connection:
        key_id = key_store.add(
            connection, key, source=source, scopes=scope or list(Scope), expires_at=expires_at or None
        )
    console.print(f"The API key {key_id} of {source}, shown this once:\n\n  {key}\n")


@keys.command("list")
def list_() -> None:
    """Show the keys without their secret; `feedback init`'s first one is a file and not among them."""
    with tables_of("ingest", read_only=True) as connection:
        found = key_store.every(connection)
    table = Table("id", "source", "may send", "made", "state", box=None, pad_edge=False)
    for key in found:
        table.add_row(
            key.key_id, key.source, ", ".join(key.scopes), f"{key.created_at:%Y-%m-%d}", _state(key)
        )
    show(table, otherwise="There are none: `feedback keys create SOURCE` makes one.")


@keys.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")]) -> None:
    """End a key, on every replica within two seconds."""
    with tables_of("ingest") as connection:
        is_revoked = key_store.revoke(connection, key_id)
    if not is_revoked:
        end("No key that is still valid has this id: see `feedback keys list`.")
    console.print(f"{key_id} is revoked")


def end_of(text: str, now: datetime) -> datetime:
    """The time that a date or a span of days means, UTC. Raises typer.BadParameter for anything else."""
    days = _DAYS.fullmatch(text)
    try:
        end = now + timedelta(days=int(days[1])) if days else datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"expected a date such as 2027-11-22 or a span such as 90d, not {text!r}"
        ) from None
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    if end <= now:
        raise typer.BadParameter(f"{text} has passed already")
    return end


def _state(key: key_store.StoredKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "valid"
    word = "valid until" if key.expires_at > datetime.now(UTC) else "expired"
    return f"{word} {key.expires_at:%Y-%m-%d %H:%M}"
