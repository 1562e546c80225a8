"""`feedback programs …`: check, try out and rehearse survey programs; pause and resume them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer
from rich.table import Table

from cli import scheduler_tables
from cli.examples import tell
from cli.playbook import load_destinations, load_playbook
from cli.program_examples import differences, read_examples
from cli.progress import progress_bar
from cli.rehearsed import Counts, print_counts
from cli.rule_examples import survey_facts
from cli.rule_send_test import NobodyError, recipient, send
from cli.tables import tables_of
from cli.terminal import complaining, console, end, errors
from runtime.settings import BadSettings
from services.router.occasion import Occasion
from services.scheduler.planning import Life
from services.scheduler.program import Program
from services.scheduler.programs import Programs, load_programs
from services.scheduler.rehearsal import Stage, foresee, lives_from, play


def check(folder: Path) -> None:
    """Prints what is wrong with the programs and ends with code 1, or says what they are."""
    table = Table("program", "metric", "when", "channels", box=None, pad_edge=False)
    for program in read(folder).programs:
        table.add_row(program.id, program.metric, _when(program), ", ".join(program.channels))
    console.print(table)
    console.print(f"{table.row_count} programs are in order")


def test(folder: Path, file: Path) -> None:
    """Prints each example that does not come out as expected; ends with code 1 where one does not."""
    programs = read(folder)
    with complaining():
        examples = read_examples(file)
    tell(differences(examples, programs), len(examples))


def simulate(folder: Path, begins: datetime, against: Path | None) -> None:
    """Plays recorded lives again with the programs, and beside them with other ones."""
    ends = datetime.now(UTC)
    files = {"programs.yaml": read(folder)}
    if against is not None:
        with complaining():
            files[str(against)] = load_programs(against)
    with tables_of("scheduler", read_only=True) as connection:
        lives = list(scheduler_tables.lives(connection, begins))
    for name, programs in files.items():
        console.print(f"\n{name}, {len(lives)} people, {begins:%Y-%m-%d} to {ends:%Y-%m-%d}", style="bold")
        print_counts(_played(lives, Stage(programs, begins, ends)), console)


def pause(folder: Path, program_id: str) -> None:
    """Stops a program."""
    _known(folder, program_id)
    with tables_of("scheduler") as connection:
        paused = scheduler_tables.pause(connection, program_id, datetime.now(UTC))
    console.print(f"{program_id} is paused" if paused else f"{program_id} was paused before")


def resume(folder: Path, program_id: str) -> None:
    """Lets a program go on."""
    _known(folder, program_id)
    with tables_of("scheduler") as connection:
        waiting = scheduler_tables.resume(connection, program_id, datetime.now(UTC))
    if waiting is None:
        console.print(f"{program_id} was not paused")
    else:
        console.print(f"{program_id} goes on; {waiting} that waited are looked at again")


def send_test(folder: Path, program_id: str, to: str) -> None:
    """Sends a survey of a program to a colleague by every rule that would; code 1 when nothing arrived."""
    program = _known(folder, program_id)
    with complaining():
        playbook, destinations = load_playbook(folder), load_destinations(folder)
    facts = survey_facts(
        {"program": program.id, "metric": program.metric, "channel": program.channels[0]}
        | program.survey.model_dump(exclude={"translations"})
    )
    arrived = False
    for verdict in playbook.rules.evaluate(Occasion.SURVEY_REQUEST, facts):
        if not verdict.holds:
            continue
        try:
            sent = list(send(verdict.rule, facts, playbook, destinations, recipient(to, playbook.people)))
        except (NobodyError, BadSettings) as error:
            end(str(error))
        for one in sent:
            why = one.reason or getattr(one.result, "cause", None)
            console.print(f"{one.destination}: " + ("sent" if one.arrived else f"not sent: {why}"))
            arrived |= one.arrived
    if not arrived:
        end(f"Nothing was sent: no rule brings channel {program.channels[0]} to a colleague.")


def read(folder: Path) -> Programs:
    """The folder's programs; prints what is wrong with them and ends with code 1."""
    with complaining():
        return load_programs(folder / "programs.yaml")


def _played(lives: list[Life], stage: Stage) -> Counts:
    ready = lives_from(lives, stage.programs, stage.begins)
    foresee(ready, stage)
    counts = Counts()
    with progress_bar(errors) as progress:
        days = (stage.ends - stage.begins) // timedelta(days=1)
        task = progress.add_task("days played", total=days)
        for now, done in play(ready, stage):
            counts.add(now, done)
            progress.update(task, completed=(now - stage.begins) // timedelta(days=1))
    return counts


def _known(folder: Path, program_id: str) -> Program:
    programs = read(folder)
    program = programs.get(program_id)
    if program is None:
        known = ", ".join(one.id for one in programs.programs)
        raise typer.BadParameter(f"there is no program {program_id!r}; expected one of {known}")
    return program


def _when(program: Program) -> str:
    given = program.trigger.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(f"{name} {_words(value)}" for name, value in given.items())


def _words(value: object) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)
