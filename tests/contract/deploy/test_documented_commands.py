"""Every `feedback` command that a page, a runbook or a comment of the configuration names can be typed."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.app import app

ROOT = Path(__file__).parents[3]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "deploy").rglob("*.md")),
    *sorted((ROOT / "deploy" / "config").glob("*.yaml")),
]
_TYPED = re.compile(r"(?:^|&& |jobs )feedback ([^\n#|]+)", re.MULTILINE)
_NAMED = re.compile(r"`feedback ([^`]+)`")


def _written(page: Path) -> Iterator[str]:
    for number, part in enumerate(page.read_text().split("```")):
        for found in (_TYPED if number % 2 else _NAMED).finditer(part):
            first, *others = found.group(1).partition(" > ")[0].split(" | ")
            yield " ".join(first.split())
            # One of several: `feedback rules check | test`.
            yield from (" ".join([*first.split()[:-1], *other.split()]) for other in others)


COMMANDS = sorted({(str(page.relative_to(ROOT)), text) for page in PAGES for text in _written(page)})


def _command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words lead to, and the words that are left for it."""
    command: Any = get_command(app)
    while words and (below := getattr(command, "commands", None)) is not None:
        assert words[0] in below, f"`{words[0]}` is none of: {', '.join(sorted(below))}"
        command, words = below[words[0]], words[1:]
    return command, words


def test_pages_name_commands() -> None:
    assert len(COMMANDS) > 80


@pytest.mark.parametrize(("page", "text"), COMMANDS)
def test_a_command_that_is_written_down_exists_with_its_options(page: str, text: str) -> None:
    command, words = _command(shlex.split(text.replace("…", "")))
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    unknown = {word.partition("=")[0] for word in words if word.startswith("-")} - options
    assert not unknown, f"{page}: `feedback {text}`"
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    assert arguments or not words or words[0].startswith("-"), f"{page}: `feedback {text}` takes no {words}"
