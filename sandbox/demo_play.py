"""Plays the demo's story on a running product, and compares what came of it with what was put in."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx2
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

from sandbox.demo_findings import Findings, findings, has_arrived
from sandbox.demo_story import Story, Told
from sandbox.demo_tally import Difference, Line, Tally, differences, expected

_DAYS_FORWARD = 31
_SETTLED_WITHIN_SECONDS = 120
_LOOK_EVERY_SECONDS = 0.5


@dataclass(frozen=True)
class Site:
    """Where a product runs whose outside world is the sandbox."""

    ingest: str
    """Base URL, as the next."""
    sandbox: str
    brokers: str
    """host:port of Kafka, several separated by commas."""
    api_key: str


@dataclass(frozen=True)
class Outcome:
    """What must have come of the story, and what did."""

    expected: Tally
    found: Findings

    @property
    def differences(self) -> list[Difference]:
        """Lines that are not as they must be."""
        return differences(self.expected, self.found.tally)


def play(site: Site, console: Console) -> Outcome:
    """Load the sample, let a month pass, answer the surveys, and wait until all has reached its people."""
    story = Story(ingest=site.ingest, sandbox=site.sandbox, api_key=site.api_key)
    _work(
        f"sending {len(story.answers.first)} answers and {len(story.histories)} histories",
        story.calls(),
        story.load,
        console,
    )
    _wait(site, story, console, surveys=False)
    _work("sending comments that came later", len(story.later), story.load_later, console)
    _wait(site, story, console, surveys=False)
    console.print(f"  turning the business clock {_DAYS_FORWARD} days forward: surveys come due")
    asyncio.run(story.turn_the_clock(_DAYS_FORWARD))
    _wait(site, story, console)
    links = asyncio.run(story.survey_links())
    to_answer = sum(1 for number in range(len(links)) if number % 3)
    _work(
        "answering on the hosted survey page",
        to_answer,
        lambda told: story.answer_surveys(links, told),
        console,
    )
    return _settled(site, story, console)


def show(outcome: Outcome, console: Console) -> None:
    """Print the table, then each line that differs."""
    found = outcome.found
    table = Table(title="What became of the answers")
    table.add_column("")
    table.add_column("put in", justify="right")
    table.add_column("found", justify="right")
    wrong = {difference.line for difference in outcome.differences}
    for line in Line:
        count = str(found.tally.get(line, 0))
        table.add_row(
            line, str(outcome.expected.get(line, 0)), f"[red]{count}[/red]" if line in wrong else count
        )
    table.add_section()
    table.add_row("HTTP to delivery, median", "", f"{found.median_seconds:.2f} s")
    table.add_row("HTTP to delivery, p99", "", f"{found.p99_seconds:.2f} s")
    console.print(table)
    for one in outcome.differences:
        console.print(f"[red]{one.line}: expected {one.expected}, found {one.found}[/red]")


def _work(what: str, total: int, job: Callable[[Told], Awaitable[None]], console: Console) -> None:
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


def _wait(
    site: Site, story: Story, console: Console, *, surveys: bool = True, deadline: float | None = None
) -> Tally:
    """Until the doubles hold what must come of the story so far, or time is up; what that is."""
    must = dict(expected(story.put_in()))
    if not surveys:
        must[Line.SURVEYS] = 0
    deadline = deadline or time.monotonic() + _SETTLED_WITHIN_SECONDS
    with (
        console.status("waiting until every answer has reached its people"),
        httpx2.Client(base_url=site.sandbox, timeout=30) as sandbox,
    ):
        while not has_arrived(sandbox, must) and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_SECONDS)
    return must


def _settled(site: Site, story: Story, console: Console) -> Outcome:
    """What is found in the topics and in the doubles once it is as it must be, or time is up."""
    deadline = time.monotonic() + _SETTLED_WITHIN_SECONDS
    must = _wait(site, story, console, deadline=deadline)
    while True:
        outcome = Outcome(must, findings(site.brokers, site.sandbox, story.sent_at))
        if not outcome.differences or time.monotonic() > deadline:
            return outcome
        time.sleep(_LOOK_EVERY_SECONDS)
