"""`feedback matches`: people of whom several records outside may be the one, over the router's HTTP API."""

from typing import Annotated
from urllib.parse import quote

import typer
from rich.table import Table

from cli import router_api
from cli.terminal import console, show

matches = typer.Typer(help="Whom several records in Salesforce match.", no_args_is_help=True)


@matches.command("list")
def list_(limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100) -> None:
    """Show who waits for somebody to choose, the latest first."""
    table = Table("destination", "person", "may be", "latest answer", box=None, pad_edge=False)
    for one in router_api.call("GET", "/v1/match-reviews", params={"limit": limit}):
        table.add_row(one["destination"], one["person_key"], ", ".join(one["candidates"]), one["subject"])
    show(table)


@matches.command()
def settle(
    person_key: Annotated[str, typer.Argument(help="The person key, as `list` shows it.")],
    destination: Annotated[str, typer.Option(help="Where the records are.")] = "salesforce",
) -> None:
    """Take somebody off the list, once the records are merged or the right one is chosen."""
    router_api.call("DELETE", f"/v1/match-reviews/{quote(destination, safe='')}/{quote(person_key, safe='')}")
    console.print("Settled. If several records still match, the next answer puts the person back.")
