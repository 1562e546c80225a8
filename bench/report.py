"""One measurement told twice: as a table for people, and as one JSON object on the last line for programs."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from types import MappingProxyType

from rich.console import Console
from rich.table import Table

from sandbox.kafka_jars import KAFKA_VERSION

Figure = int | float | str | bool
_NONE: Mapping[str, float] = MappingProxyType({})


def publish(
    name: str,
    *,
    figures: Mapping[str, Figure],
    scale: Mapping[str, int],
    reference: str,
    packages: Sequence[str] = (),
    at_least: Mapping[str, float] = _NONE,
    at_most: Mapping[str, float] = _NONE,
) -> int:
    """Print the table, then `figures` and `scale` as top-level keys of one JSON object.

    Args:
        name: the bench, as in `make bench NAME=name`.
        figures: what was measured; a name ends in its unit (`per_second`, `p99_seconds`, `rss_bytes`).
        scale: how much it was measured on (`events`, `pending`, `requests`).
        reference: what ran beside it, on the same machine in the same run.
        packages: distributions whose versions decide the result.
        at_least: floors by figure or scale.
        at_most: ceilings by figure or scale.

    Returns:
        The exit status: 1 when a figure misses its floor or ceiling.
    """
    measured = {**figures, **scale}
    missed = [
        *(key for key, floor in at_least.items() if float(measured[key]) < floor),
        *(key for key, ceiling in at_most.items() if float(measured[key]) > ceiling),
    ]
    table = Table("figure", "value", "wanted", title=f"{name}, beside {reference}")
    for key, value in measured.items():
        wanted = (
            f"≥ {at_least[key]:,g}" if key in at_least else f"≤ {at_most[key]:,g}" if key in at_most else ""
        )
        table.add_row(key, _shown(value), wanted, style="red" if key in missed else "")
    Console().print(table)
    about = {"bench": name, "reference": reference, "missed": missed, "versions": _versions(packages)}
    print(json.dumps(measured | about), flush=True)
    return 1 if missed else 0


def _shown(value: Figure) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:,.4g}"  # noqa: PLR2004 - where digits stop mattering
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _versions(packages: Sequence[str]) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "kafka": KAFKA_VERSION,
        **{package: version(package) for package in packages},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
