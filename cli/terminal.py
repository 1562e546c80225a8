"""How commands speak: results on standard output, everything else on standard error, and no tracebacks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from runtime.yaml_file import ConfigError

ME = "FEEDBACK_ME"
"""Environment variable that says who works here: an id of people.yaml, or an e-mail address of it."""

console = Console(soft_wrap=True, highlight=False, markup=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


_WIDEST = 10_000


def show(table: Table, *, otherwise: str = "There are none.") -> None:
    """Prints a list as wide as it is, or what is said of an empty one.

    An id that is cut to fit the terminal, or a pipe's 80 columns, could be given to no other command.
    """
    table.width = Measurement.get(console, console.options.update(max_width=_WIDEST), table).maximum
    console.print(table if table.row_count else otherwise)


def end(reason: str, *, code: int = 1) -> NoReturn:
    """Says why a command cannot go on, and ends it."""
    errors.print(reason)
    raise typer.Exit(code) from None


@contextmanager
def complaining() -> Iterator[None]:
    """Ends the command with what is wrong with a file."""
    try:
        yield
    except ConfigError as error:
        end(str(error))
