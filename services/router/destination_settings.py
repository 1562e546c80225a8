"""destinations.yaml: how hard each destination may be pressed, and what else of its settings is no secret."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from runtime.settings import read
from runtime.yaml_file import load_yaml
from services.router.plugins import AnyPlugin

_STRICT = ConfigDict(extra="forbid")


def read_destinations(path: Path, plugins: Mapping[str, AnyPlugin]) -> dict[str, BaseSettings]:
    """The settings of every plug-in, by its name: the environment's, then the file's, then the defaults.

    Raises runtime.yaml_file.ConfigError for the file, runtime.settings.BadSettings for the environment.
    """
    sections: dict[str, Any] = {
        name: (_section(plugin), Field(default_factory=dict)) for name, plugin in plugins.items()
    }
    file = load_yaml(path, create_model("Destinations", __config__=_STRICT, **sections))
    return {
        name: read(_with_defaults(plugin, file.model_dump(exclude_unset=True).get(name, {})))
        for name, plugin in plugins.items()
    }


def _section(plugin: AnyPlugin) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (info.annotation, info)
        for name, info in plugin.settings.model_fields.items()
        if SecretStr not in (info.annotation, *get_args(info.annotation))
    }
    return create_model(plugin.name, __config__=_STRICT, **fields)


def _with_defaults(plugin: AnyPlugin, given: Mapping[str, Any]) -> type[BaseSettings]:
    fields: dict[str, Any] = {}
    for name, value in given.items():
        info = FieldInfo.merge_field_infos(plugin.settings.model_fields[name], default=value)
        fields[name] = (info.annotation, info)
    return create_model(plugin.settings.__name__, __base__=plugin.settings, **fields)
