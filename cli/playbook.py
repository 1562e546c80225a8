"""The rules as the router would use them, for the commands that try them out."""

from collections.abc import Mapping
from pathlib import Path

from services.router.destination_settings import Configured, read_destinations
from services.router.people import load_people
from services.router.plan import Playbook
from services.router.plugins import discover
from services.router.rules import load_rules
from services.router.templates import Templates


def load_destinations(folder: Path) -> Mapping[str, Configured]:
    """Every destination of a folder of configuration; raises runtime.yaml_file.ConfigError."""
    return read_destinations(folder / "destinations.yaml", discover())


def load_playbook(folder: Path, rules: Path | None = None) -> Playbook:
    """The playbook of a folder of configuration, with its own rules.yaml or another file of rules.

    Raises runtime.yaml_file.ConfigError.
    """
    plugins = {name: one.plugin for name, one in load_destinations(folder).items()}
    templates = Templates(folder / "templates")
    people = load_people(folder / "people.yaml")
    loaded = load_rules(rules or folder / "rules.yaml", plugins, templates, people)
    return Playbook(loaded, plugins, templates, people)
