"""The `feedback` command: one Typer application, its commands in modules of their own."""

import typer

from cli import jobs

app = typer.Typer(
    name="feedback",
    help="Sets up and looks after feedback-router.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command()(jobs.migrate)
app.command()(jobs.topics)


def main() -> None:
    """Entry point of the `feedback` script."""
    app(prog_name="feedback")
