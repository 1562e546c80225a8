"""The employees' names, from people.yaml; the router checks the rest of that file."""

from pathlib import Path

from pydantic import BaseModel

from runtime.yaml_file import load_yaml
from services.classifier.mentions import Roster


class _Person(BaseModel):
    name: str


class _People(BaseModel):
    people: tuple[_Person, ...] = ()


def load_roster(path: Path) -> Roster:
    """Everybody in the file; nobody where there is none. Raises runtime.yaml_file.ConfigError."""
    if not path.exists():
        return Roster()
    return Roster([person.name for person in load_yaml(path, _People).people])
