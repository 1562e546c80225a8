"""The vendors whose webhooks ingest takes, one file each: whatever module ends with `VENDOR` is one."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from services.ingest.vendor import AnyVendor


@cache
def vendors() -> Mapping[str, AnyVendor]:
    """Every vendor of this package by name."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    return {module.VENDOR.name: module.VENDOR for module in modules}
