"""`feedback schedule`: why somebody was asked or not, and what is coming."""
# ruff: noqa: PLC0415 - a command imports what it needs when it runs

from pathlib import Path
from typing import Annotated

import typer

schedule = typer.Typer(help="Why somebody was asked or not, and what is coming.", no_args_is_help=True)

PersonArgument = Annotated[
    str, typer.Argument(metavar="PERSON", help="The company's id of the person, an e-mail address, or a key.")
]
ProgramOption = Annotated[str | None, typer.Option(help="Only what this program decided.")]
Days = Annotated[int, typer.Option(min=1, max=365, help="How many days from now.")]
ConfigFolder = Annotated[Path, typer.Option("--dir", help="Where the YAML files are.", file_okay=False)]


@schedule.command("explain")
def explain(person: PersonArgument, program: ProgramOption = None) -> None:
    """Show every decision about a person with its reason, and what is planned."""
    from cli.schedule import explain

    explain(person, program)


@schedule.command("forecast")
def forecast(days: Days = 30, folder: ConfigFolder = Path("deploy/config")) -> None:
    """Play the days to come: how many are asked by whom, and which gates hold back how many."""
    from cli.schedule import forecast

    forecast(folder, days)
