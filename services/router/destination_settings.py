"""destinations.yaml: which destinations there are, how hard each is pressed, and what else is no secret."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from runtime.settings import read
from runtime.yaml_file import load_yaml
from services.router.plugins import AnyPlugin, named

_STRICT = ConfigDict(extra="forbid")
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


@dataclass(frozen=True, slots=True)
class Configured:
    """A destination with what the file says of it."""

    plugin: AnyPlugin
    given: Mapping[str, Any]

    def settings(self) -> BaseSettings:
        """The environment's settings, then the file's, then the defaults.

        Raises runtime.settings.BadSettings.
        """
        return read(_with_defaults(self.plugin, self.given))


def read_destinations(path: Path, kinds: Mapping[str, AnyPlugin]) -> dict[str, Configured]:
    """Every destination there is, by name: each kind, and each name of a kind that has names.

    A setting that is a model of its own is a file of the kind's name beside this one (salesforce.yaml).

    Raises runtime.yaml_file.ConfigError.
    """
    sections: dict[str, Any] = {
        name: (_sections(plugin), Field(default_factory=dict)) for name, plugin in kinds.items()
    }
    file = load_yaml(path, create_model("Destinations", __config__=_STRICT, **sections))
    given = file.model_dump(exclude_unset=True)
    return {
        one.plugin.name: one
        for kind in kinds.values()
        for one in _configured(kind, given.get(kind.name, {}), path.parent)
    }


def _configured(kind: AnyPlugin, given: Mapping[str, Any], folder: Path) -> Iterator[Configured]:
    if not kind.is_named:
        yield Configured(kind, {**given, **_own_file(folder, kind)})
        return
    for name, section in given.items():
        yield Configured(named(kind, name), section)


def _sections(plugin: AnyPlugin) -> Any:  # noqa: ANN401 - a type made of the plug-in's settings
    return dict[_Name, _section(plugin)] if plugin.is_named else _section(plugin)  # type: ignore[misc]  # as above


def _own_file(folder: Path, plugin: AnyPlugin) -> dict[str, BaseModel]:
    path = folder / f"{plugin.name}.yaml"
    return {
        name: load_yaml(path, info.annotation)
        for name, info in plugin.settings.model_fields.items()
        if is_file(info) and info.annotation is not None and path.exists()
    }


def is_file(info: FieldInfo) -> bool:
    """Whether a setting is a model of its own, which no variable could hold."""
    return isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)


def _section(plugin: AnyPlugin) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (info.annotation, info)
        for name, info in plugin.settings.model_fields.items()
        if SecretStr not in (info.annotation, *get_args(info.annotation)) and not is_file(info)
    }
    return create_model(plugin.name, __config__=_STRICT, **fields)


def _with_defaults(plugin: AnyPlugin, given: Mapping[str, Any]) -> type[BaseSettings]:
    fields: dict[str, Any] = {}
    for name, value in given.items():
        info = FieldInfo.merge_field_infos(plugin.settings.model_fields[name], default=value)
        fields[name] = (info.annotation, info)
    return create_model(plugin.settings.__name__, __base__=plugin.settings, **fields)
