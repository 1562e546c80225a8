"""`feedback config check`: every mistake in the YAML that users edit, before a service meets it."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import typer

from cli.playbook import load_destinations
from cli.terminal import console
from runtime.settings import BadSettings
from runtime.yaml_file import ConfigError, load_yaml
from services.classifier.taxonomy import load_themes
from services.ingest.salesforce.customer_map import load_customer_map
from services.ingest.sources import load_callers
from services.ingest.survey_file import load_survey_file
from services.insights.digests import load_digests
from services.router.people import load_people
from services.router.plugins import discover
from services.router.rules import NOBODY, load_rules
from services.router.salesforce.org_map import OrgMap
from services.router.templates import Templates
from services.scheduler.programs import load_programs


def check(folder: Path) -> None:
    """Prints every mistake and ends with code 1, or says that all is in order."""
    found = mistakes(folder)
    for mistake in found:
        console.print(mistake)
    if found:
        raise typer.Exit(1)
    console.print(f"{', '.join(CHECKS)} in {folder} are in order")


def mistakes(folder: Path) -> list[str]:
    """What is wrong in each file as "file:line: field: what was expected"; empty when all can be used."""
    found: list[str] = []
    for read in CHECKS.values():
        try:
            read(folder)
        except (ConfigError, BadSettings) as error:
            found.extend(str(error).splitlines())
    return list(dict.fromkeys(found))


def _rules(folder: Path) -> None:
    plugins, people = discover(), NOBODY
    with suppress(ConfigError):  # is named where that file is read itself
        people = load_people(folder / "people.yaml")
    with suppress(ConfigError):  # likewise
        plugins = {name: one.plugin for name, one in load_destinations(folder).items()}
    load_rules(folder / "rules.yaml", plugins, Templates(folder / "templates"), people)


def _programs(folder: Path) -> None:
    load_programs(folder / "programs.yaml")


def _survey(folder: Path) -> None:
    load_survey_file(folder / "survey.yaml")


def _themes(folder: Path) -> None:
    load_themes(folder / "themes.yaml")


def _salesforce(folder: Path) -> None:
    load_yaml(folder / "salesforce.yaml", OrgMap)


def _destinations(folder: Path) -> None:
    for one in load_destinations(folder).values():
        one.settings()


def _sources(folder: Path) -> None:
    load_callers(folder / "sources.yaml")


def _customers(folder: Path) -> None:
    load_customer_map(folder / "salesforce_customers.yaml")


def _people(folder: Path) -> None:
    load_people(folder / "people.yaml")


def _digests(folder: Path) -> None:
    load_digests(folder / "digests.yaml")


CHECKS: dict[str, Callable[[Path], None]] = {
    "rules.yaml": _rules,
    "programs.yaml": _programs,
    "survey.yaml": _survey,
    "themes.yaml": _themes,
    "salesforce.yaml": _salesforce,
    "salesforce_customers.yaml": _customers,
    "destinations.yaml": _destinations,
    "people.yaml": _people,
    "sources.yaml": _sources,
    "digests.yaml": _digests,
}
"""Each file with the function that reads it as its service does."""
