"""What the pages name exists: commands and options, settings, metrics, files, targets of make, links."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.core

from cli.app import app
from cli.catalogue import sections
from schemas.topics import EVERY_TOPIC
from tests.contract.deploy.test_metrics import NAME, catalogued

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "deploy").glob("*/README.md"),
    ]
)
CODE = re.compile(r"^```[^\n]*\n(.*?)^```|`([^`\n]+(?:\n[^`\n]+)?)`", re.DOTALL | re.MULTILINE)
SETTING = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?==|$)")
FOLDERS = ("bench/", "cli/", "deploy/", "docs/", "runtime/", "sandbox/", "schemas/", "services/", "tests/")
OF_COMMANDS = {"FEEDBACK_API_KEY", "FEEDBACK_ME"}
OF_TESTS = {"CRASH_ANSWERS", "OPENAPI_CASES"}
OF_SALESFORCE = {
    "DUPLICATES_DETECTED",
    "INVALID_FIELD",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "MALFORMED_QUERY",
    "REQUEST_LIMIT_EXCEEDED",
}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code(page: Path) -> Iterator[str]:
    """What stands in the page as code, each line of a block by itself."""
    for block, span in CODE.findall(page.read_text()):
        yield from block.splitlines() if block else [" ".join(span.split())]


def commands(page: Path) -> Iterator[str]:
    for text in code(page):
        found = re.search(r"(?:^|[\s/])(feedback (?!init`)[a-z].*)", text)
        if found:
            yield re.split(r"\s#|…|[|;>`]|\s\\$", found[1])[0]


def unknown(command: str) -> list[str]:
    """The words of a command that Typer would refuse to know: a name of a command, an option."""
    words = shlex.split(command.replace("'", ""), comments=True)[1:]
    known = typer.main.get_command(app)
    while isinstance(known, typer.core.TyperGroup) and words:
        word = words.pop(0).rstrip(",.")
        if word not in known.commands:
            return [word]
        known = known.commands[word]
    options = {
        option for parameter in known.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    return [word for word in words if word.startswith("--") and word.split("=")[0] not in options]


@every_page
def test_commands_and_their_options_exist(page: Path) -> None:
    assert [(command, wrong) for command in commands(page) if (wrong := unknown(command))] == []


@every_page
def test_settings_exist(page: Path) -> None:
    known = {variable.name for section in sections() for variable in section.variables}
    known |= set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    named = {found[0] for text in code(page) for word in text.split() if (found := SETTING.match(word))}
    assert named <= known | OF_COMMANDS | OF_TESTS | OF_SALESFORCE


@every_page
def test_metrics_exist(page: Path) -> None:
    gauges = set(NAME.findall((ROOT / "services/insights/business_view.py").read_text()))
    known = catalogued() | gauges
    named = {name for text in code(page) for name in NAME.findall(text)}
    # Pages shorten `grep` to what several begin with.
    assert {name for name in named if not any(one.startswith(name) for one in known)} == set()


@every_page
def test_files_exist(page: Path) -> None:
    named = {word.rstrip(".,:)") for text in code(page) for word in text.split() if word.startswith(FOLDERS)}
    whole = {name.rstrip("/") for name in named if "<" not in name and "…" not in name}
    assert {name for name in whole if not list(ROOT.glob(name))} == set()


@every_page
def test_topics_exist(page: Path) -> None:
    known = {name for topic in EVERY_TOPIC for name in (topic.name, topic.dead_letters)}
    named = {name for text in code(page) for name in re.findall(r"\b[a-z]+\.[a-z]+\.v\d(?:\.dlq)?\b", text)}
    assert named - known == set()


@every_page
def test_targets_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {found[1] for text in code(page) if (found := re.match(r"make ([a-z-]+)", text))}
    assert named <= targets


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
