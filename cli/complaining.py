"""What is wrong with a file of the user's, said in place of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from runtime.yaml_file import ConfigError

console = Console(soft_wrap=True, highlight=False, markup=False)


@contextmanager
def complaining() -> Iterator[None]:
    """Prints what is wrong with a file, and ends with code 1."""
    try:
        yield
    except ConfigError as error:
        console.print(str(error))
        raise typer.Exit(1) from None
