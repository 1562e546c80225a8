"""What themes are called, from themes.yaml; the classifier checks the rest of that file."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from runtime.yaml_file import load_yaml


class _Theme(BaseModel):
    id: str
    name: str


class _Themes(BaseModel):
    themes: tuple[_Theme, ...]


def theme_names(path: Path) -> Mapping[str, str]:
    """Names by id, in the order of the file. Raises runtime.yaml_file.ConfigError."""
    return {theme.id: theme.name for theme in load_yaml(path, _Themes).themes}
