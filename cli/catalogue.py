"""Every setting of the product, as the settings classes declare it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from cli.settings import BrokerSettings
from runtime.salesforce import SalesforceSettings
from runtime.settings import ServiceSettings
from sandbox.settings import SandboxSettings
from services.classifier.settings import ClassifierSettings
from services.ingest.archiver import ArchiverSettings
from services.ingest.settings import IngestSettings
from services.insights.settings import InsightsSettings
from services.router.destination_settings import is_file
from services.router.plugins import AnyPlugin, discover, named
from services.router.settings import RouterSettings
from services.scheduler.settings import SchedulerSettings


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting."""

    name: str
    """Of the environment variable."""
    meaning: str
    default: str | None
    """As it would be written; None where it is required or depends on the machine."""
    is_required: bool
    is_secret: bool

    @property
    def secret_file(self) -> str:
        """Name of the file in the secrets folder that stands in for the variable."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Section:
    """The settings of one part of the product that no earlier part has."""

    title: str
    variables: tuple[Variable, ...]


SERVICES: dict[str, type[BaseSettings]] = {
    "ingest": IngestSettings,
    "archive": ArchiverSettings,
    "classifier": ClassifierSettings,
    "router": RouterSettings,
    "scheduler": SchedulerSettings,
    "insights": InsightsSettings,
}


def sections() -> list[Section]:
    """All settings, each once, in the order in which somebody sets the product up."""
    parts: list[tuple[str, type[BaseSettings]]] = [
        ("Every service", ServiceSettings),
        ("ingest", SERVICES["ingest"]),
        ("ingest and router, Salesforce", SalesforceSettings),
        ("archive", SERVICES["archive"]),
        ("classifier", SERVICES["classifier"]),
        ("router", SERVICES["router"]),
        *map(_of_destination, discover().values()),
        ("scheduler", SERVICES["scheduler"]),
        ("insights", SERVICES["insights"]),
        ("The job that makes the topics", BrokerSettings),
        ("sandbox (profile demo)", SandboxSettings),
    ]
    seen: set[str] = set()
    listed = []
    for title, settings in parts:
        new = tuple(variable for variable in variables(settings) if variable.name not in seen)
        seen.update(variable.name for variable in new)
        listed.append(Section(title, tuple(_with_own_defaults(variable) for variable in new)))
    return listed


def _of_destination(plugin: AnyPlugin) -> tuple[str, type[BaseSettings]]:
    if not plugin.is_named:
        return f"router, destination {plugin.name}", plugin.settings
    title = (
        f"router, destination {plugin.name}.<name>, for each NAME under {plugin.name} in destinations.yaml"
    )
    return title, named(plugin, "name").settings


def variables(settings: type[BaseSettings]) -> Iterator[Variable]:
    """The settings of one class in the order of its fields."""
    prefix = settings.model_config.get("env_prefix") or ""
    for field, info in settings.model_fields.items():
        if is_file(info):
            continue
        yield Variable(
            name=f"{prefix}{field}".upper(),
            meaning=" ".join((info.description or "").split()),
            default=_written(info),
            is_required=info.is_required(),
            is_secret=_holds_secret(info.annotation),
        )


def _with_own_defaults(variable: Variable) -> Variable:
    """What all services share and each has a default of its own for is not required of anybody."""
    if not variable.is_required:
        return variable
    own = {
        service: found.default
        for service, settings in SERVICES.items()
        for found in variables(settings)
        if found.name == variable.name
    }
    if None in own.values() or set(own) != set(SERVICES):
        return variable
    listed = ", ".join(f"{service} {default}" for service, default in own.items())
    return replace(variable, meaning=f"{variable.meaning} Default: {listed}.", is_required=False)


def _written(info: FieldInfo) -> str | None:
    value = info.default
    if value is PydanticUndefined or value is None or isinstance(value, SecretStr):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value)


def _holds_secret(annotation: object) -> bool:
    if annotation is SecretStr:
        return True
    if get_origin(annotation) in {Annotated, Union, UnionType}:
        return any(_holds_secret(part) for part in get_args(annotation))
    return False
