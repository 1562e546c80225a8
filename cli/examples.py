"""The user's examples of what a file of theirs should lead to, and how what they got is told."""

from collections.abc import Sequence
from dataclasses import dataclass

import typer

from cli.terminal import console


@dataclass(frozen=True, slots=True)
class Difference:
    """What an example expected and did not get, or got and did not expect."""

    example: str
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


def tell(found: Sequence[Difference], examples: int) -> None:
    """Prints each difference and how many of so many examples have none; ends with code 1 where one has."""
    for one in found:
        console.print(one.example, style="red")
        for missing in one.missing:
            console.print(f"  missing: {missing}")
        for unexpected in one.unexpected:
            console.print(f"  not expected: {unexpected}")
    console.print(f"{examples - len(found)} of {examples} examples come out as expected")
    if found:
        raise typer.Exit(1)
