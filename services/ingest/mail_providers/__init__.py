"""The mail providers whose events ingest takes, one file each."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from services.ingest.mail_provider import AnyProvider


@cache
def mail_providers() -> Mapping[str, AnyProvider]:
    """Every provider of this package by name."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    return {module.PROVIDER.name: module.PROVIDER for module in modules}
