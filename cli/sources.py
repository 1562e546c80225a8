"""`feedback sources …`: what is configured, and what a webhook's body becomes."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from cli.terminal import complaining, console, end
from services.ingest.sources import Configured, load_callers
from services.ingest.vendor import Answer, Call, Fetch, Nothing, Said, Unreadable, Unsubscribed
from services.ingest.webhook_mapping import Origin, recorded

_NO_SECRET = b"a person's key is made with the installation's secret, not with this one"


def show(folder: Path) -> None:
    """Prints a row for each source."""
    sources = _sources(folder)
    if not sources:
        console.print(
            f"{folder / 'sources.yaml'} names no source yet; docs/sources.md says what each tool needs"
        )
        return
    table = Table("source", "vendor", "address", "secret")
    for name, one in sources.items():
        table.add_row(name, one.vendor.name, f"/v1/webhooks/{name}", "there" if one.secrets else "missing")
    console.print(table)


def rehearse(folder: Path, file: Path, name: str | None) -> None:
    """Prints what each thing that the body says becomes; ends with code 1 where it cannot be read."""
    configured = _chosen(_sources(folder), name)
    body = file.read_bytes()
    kind = "application/json" if body.lstrip()[:1] in {b"{", b"["} else "application/x-www-form-urlencoded"
    try:
        said = configured.vendor.read(Call({"content-type": kind}, body), configured.source)
        for one in said:
            console.print(_becomes(one, configured))
    except Unreadable as error:
        end(f"{file}: {error}")


def _becomes(said: Said, configured: Configured) -> str:
    match said:
        case Answer():
            origin = Origin(configured.name, configured.source, configured.vendor.version, datetime.now(UTC))
            response = recorded(said, origin, known=None, secret=_NO_SECRET)
            shown = response.model_dump(mode="json", exclude_defaults=True, exclude={"person_key"})
            return json.dumps(shown, indent=2, ensure_ascii=False)
        case Unsubscribed():
            return "an opt-out from all surveys"
        case Fetch(url):
            return f"an answer that is fetched from {url}"
        case Nothing(why):
            return f"nothing ({why})"


def _chosen(sources: Mapping[str, Configured], name: str | None) -> Configured:
    if name is None and len(sources) == 1:
        return next(iter(sources.values()))
    if name is None or name not in sources:
        listed = ", ".join(sources) or "none yet"
        end(f"Which source? --source takes a name of sources.yaml: {listed}")
    return sources[name]


def _sources(folder: Path) -> Mapping[str, Configured]:
    with complaining():
        return load_callers(folder / "sources.yaml").sources
