"""The kinds of destination there are: every module in `destinations/` that ends with `PLUGIN`."""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from pydantic_settings import BaseSettings

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


def settings_types(plugins: Mapping[str, AnyPlugin]) -> Mapping[str, type[BaseSettings]]:
    """The settings class of every plug-in, by the plug-in's name."""
    return {name: plugin.settings for name, plugin in plugins.items()}
