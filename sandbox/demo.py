"""`make demo`: the main job on one machine, from the first answer to the closed loop; `--once` checks it."""

import argparse
import asyncio
import json
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from sandbox.demo_findings import Findings, findings
from sandbox.demo_story import Story, Told
from sandbox.demo_tally import Line, Tally, differences, expected
from sandbox.processes import EmbeddedServerError
from sandbox.stack import ROOT, Stack

_FOLDER = ROOT / "var" / "demo"
_DAYS_FORWARD = 31
_SETTLED_WITHIN_SECONDS = 120
_LOOK_EVERY_SECONDS = 0.5

console = Console()


def main(arguments: list[str]) -> int:
    """Entry point; 1 when `--once` finds a difference, 2 when something does not start."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument(
        "--once", action="store_true", help="check the table against what was put in, and end"
    )
    once = parser.parse_args(arguments).once
    began = time.monotonic()
    try:
        with Stack(_FOLDER, say=lambda what: console.print(f"  starting [bold]{what}[/bold]")) as stack:
            return _run(stack, once=once, began=began)
    except EmbeddedServerError as error:
        console.print(f"[red]{error}[/red]", markup=True)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(stack: Stack, *, once: bool, began: float) -> int:
    story = Story(stack)
    _show(
        f"sending {len(story.answers.sent)} answers and {len(story.histories)} histories",
        story.calls(),
        story.load,
    )
    _settled(stack, story, surveys=False)
    console.print(f"  turning the business clock {_DAYS_FORWARD} days forward: surveys come due")
    asyncio.run(story.turn_the_clock(_DAYS_FORWARD))
    _settled(stack, story, surveys=True)
    links = asyncio.run(story.survey_links())
    to_answer = sum(1 for number in range(len(links)) if number % 3)
    _show("answering on the hosted survey page", to_answer, lambda told: story.answer_surveys(links, told))
    found = _settled(stack, story, surveys=True)
    must = expected(story.answers, story.histories, story.survey_answers)
    wrong = differences(must, found.tally)
    console.print(_table(must, found))
    _summarise(found, must, time.monotonic() - began)
    if once:
        for difference in wrong:
            console.print(
                f"[red]{difference.line}: expected {difference.expected}, found {difference.found}[/red]"
            )
        return 1 if wrong else 0
    _urls(stack)
    _until_interrupted()
    return 0


def _show(what: str, total: int, job: Callable[[Told], Awaitable[None]]) -> None:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=total)

        async def run() -> None:
            await job(lambda count: progress.advance(task, count))

        asyncio.run(run())


def _settled(stack: Stack, story: Story, *, surveys: bool) -> Findings:
    """What is found once everything expected has come, or time is up."""
    must = dict(expected(story.answers, story.histories, story.survey_answers))
    if not surveys:
        must[Line.SURVEYS] = 0
    deadline = time.monotonic() + _SETTLED_WITHIN_SECONDS
    with console.status("waiting until every answer has reached its people"):
        while True:
            found = findings(
                stack.environment["KAFKA_BOOTSTRAP_SERVERS"], stack.url("sandbox"), story.sent_at
            )
            if not differences(must, found.tally) or time.monotonic() > deadline:
                return found
            time.sleep(_LOOK_EVERY_SECONDS)


def _table(must: Tally, found: Findings) -> Table:
    table = Table(title="What became of the answers")
    table.add_column("")
    table.add_column("put in", justify="right")
    table.add_column("found", justify="right")
    for line in Line:
        right = must.get(line, 0) == found.tally.get(line, 0)
        count = str(found.tally.get(line, 0))
        table.add_row(line, str(must.get(line, 0)), count if right else f"[red]{count}[/red]")
    table.add_section()
    table.add_row("HTTP to delivery, median", "", f"{found.median_seconds:.2f} s")
    table.add_row("HTTP to delivery, p99", "", f"{found.p99_seconds:.2f} s")
    return table


def _summarise(found: Findings, must: Tally, took_seconds: float) -> None:
    summary = {
        "expected": {line.value: must.get(line, 0) for line in Line},
        "found": {line.value: found.tally.get(line, 0) for line in Line},
        "median_seconds": round(found.median_seconds, 3),
        "p99_seconds": round(found.p99_seconds, 3),
        "took_seconds": round(took_seconds, 1),
    }
    path = _FOLDER / "summary.json"
    path.write_text(json.dumps(summary, indent=2) + "\n")
    console.print(f"  {took_seconds:.0f} s in all; the figures are in {path.relative_to(Path.cwd())}")


def _urls(stack: Stack) -> None:
    console.print("\n[bold]Look around[/bold] (Ctrl-C ends everything)")
    console.print(f"  what arrived: Slack, Salesforce, mail, marketing   {stack.url('sandbox')}/")
    console.print(f"  the API, and its documentation                      {stack.url('ingest')}/docs")
    console.print(
        f"  the router's deliveries                             {stack.url('router')}/v1/deliveries"
    )
    console.print(f"\n  API key for your own calls: {stack.api_key}\n")


def _until_interrupted() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    while not ended.wait(1):
        pass
    console.print("  stopping")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
