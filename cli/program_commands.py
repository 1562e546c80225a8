"""`feedback programs`: who is asked what, and when: deploy/config/programs.yaml."""
# ruff: noqa: PLC0415 - the image of the jobs installs no destination's library; a command imports what it needs

from pathlib import Path
from typing import Annotated

import typer

from cli.since import Since, moment

programs = typer.Typer(help="Who is asked what, and when: deploy/config/programs.yaml.", no_args_is_help=True)

ConfigFolder = Annotated[Path, typer.Option("--dir", help="Where the YAML files are.", file_okay=False)]
ExamplesFile = Annotated[Path | None, typer.Argument(help="Default: programs_test.yaml beside the programs.")]
ProgramId = Annotated[str, typer.Argument(metavar="PROGRAM", help="Id of a program.")]
OtherPrograms = Annotated[Path | None, typer.Option(help="Play this file beside programs.yaml.")]
Recipient = Annotated[str, typer.Option(help="Id or e-mail address of people.yaml; `me` is FEEDBACK_ME.")]


@programs.command("check")
def check(folder: ConfigFolder = Path("deploy/config")) -> None:
    """Read the programs as the scheduler does; name each mistake with its line, and what is impossible."""
    from cli.programs import check

    check(folder)


@programs.command("test")
def try_examples(file: ExamplesFile = None, folder: ConfigFolder = Path("deploy/config")) -> None:
    """Try the examples of programs_test.yaml: who is asked what on which day."""
    from cli.programs import test

    test(folder, file or folder / "programs_test.yaml")


@programs.command("simulate")
def simulate(
    since: Since = "365d", against: OtherPrograms = None, folder: ConfigFolder = Path("deploy/config")
) -> None:
    """Play what was recorded again and count who would have been asked. Nothing is asked or written."""
    from cli.programs import simulate

    simulate(folder, moment(since), against)


@programs.command("pause")
def pause(program: ProgramId, folder: ConfigFolder = Path("deploy/config")) -> None:
    """Stop asking for one program, from now on. What is due waits as long as it is in time."""
    from cli.programs import pause

    pause(folder, program)


@programs.command("resume")
def resume(program: ProgramId, folder: ConfigFolder = Path("deploy/config")) -> None:
    """Let a paused program go on. Hours, gaps and caps hold as ever."""
    from cli.programs import resume

    resume(folder, program)


@programs.command("send-test")
def send_test(program: ProgramId, to: Recipient = "me", folder: ConfigFolder = Path("deploy/config")) -> None:
    """Send one survey of a program to yourself, past the scheduler. Its link answers nothing."""
    from cli.programs import send_test

    send_test(folder, program, to)
