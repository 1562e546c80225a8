"""Why a program asks, and who acts on its answers: what the programs' file says of it."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from runtime.yaml_file import load_yaml


class Purpose(BaseModel):
    """A program as far as its figures are read by somebody; the scheduler knows the rest of its file."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    id: str
    goal: str
    """What is to be learnt."""
    owner: str
    """Team or person who acts on the answers."""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    programs: tuple[Purpose, ...] = ()


def load_purposes(path: Path) -> Mapping[str, Purpose]:
    """By the program's id; nothing where there is no file. Raises runtime.yaml_file.ConfigError."""
    if not path.exists():
        return {}
    return {one.id: one for one in load_yaml(path, _File).programs}
