"""The kinds of destination there are: every module in `destinations/` that ends with `PLUGIN`."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from types import new_class
from typing import Any

from pydantic_settings import SettingsConfigDict

from services.router import destinations
from services.router.destination import Plugin

AnyPlugin = Plugin[Any, Any, Any]


def discover() -> Mapping[str, AnyPlugin]:
    """Every plug-in by name; a module without one only serves others.

    Raises TypeError when two have one name.
    """
    found: dict[str, AnyPlugin] = {}
    for module in iter_modules(destinations.__path__):
        plugin = getattr(import_module(f"{destinations.__name__}.{module.name}"), "PLUGIN", None)
        if plugin is None:
            continue
        if plugin.name in found:
            raise TypeError(
                f"destinations/{module.name}.py: a destination called {plugin.name!r} exists already"
            )
        found[plugin.name] = plugin
    return found


def named(plugin: AnyPlugin, name: str) -> AnyPlugin:
    """The destination `<kind>.<name>` of a kind that can be configured several times.

    Its variables begin with the kind's and its name: WEBHOOK_CRM_URL. A pilot may allow it by its own name.
    """
    full_name = f"{plugin.name}.{name}"
    prefix = f"{plugin.settings.model_config.get('env_prefix', '')}{name.upper()}_"
    settings = new_class(
        plugin.settings.__name__,
        (plugin.settings,),
        exec_body=lambda body: body.update(
            __module__=plugin.settings.__module__, model_config=SettingsConfigDict(env_prefix=prefix)
        ),
    )
    return replace(
        plugin,
        name=full_name,
        settings=settings,
        audience=lambda content: (full_name, *plugin.audience(content)),
        is_named=False,
    )
