"""sources.yaml: who may call, survey tools and mail providers, and the secrets that prove their calls."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from runtime.settings import secret_folders
from runtime.yaml_file import Location, load_yaml
from schemas.scales import SCALES
from services.ingest.api_keys import RESERVED_SOURCE
from services.ingest.mail_provider import AnyProvider, MailSource
from services.ingest.mail_providers import mail_providers
from services.ingest.vendor import AnyVendor, Call, Source
from services.ingest.vendors import vendors

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]

SHORTEST_SECRET = 8
"""Characters; a shorter one could be guessed."""


@dataclass(frozen=True, slots=True)
class Configured:
    """A source by its name. `secrets` holds the contents of those of its files that there are."""

    name: str
    source: Source
    vendor: AnyVendor
    secrets: tuple[str, ...]

    def is_from_vendor(self, call: Call) -> bool:
        """Whether one of the secrets proves the call."""
        return any(self.vendor.verify(call, self.source, secret) for secret in self.secrets)


@dataclass(frozen=True, slots=True)
class ConfiguredMail:
    """A mail provider with the contents of those of its secrets that there are."""

    provider: AnyProvider
    source: BaseModel
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Callers:
    """Survey tools by the name of their source, mail providers by their own, and what proves inbound mail."""

    sources: Mapping[str, Configured]
    mail: Mapping[str, ConfiguredMail]
    inbound_mail_secrets: tuple[str, ...]


def load_callers(path: Path) -> Callers:
    """Everybody who may call. Raises runtime.yaml_file.ConfigError."""
    models: list[Any] = [
        create_model(f"{vendor.name} source", __base__=vendor.source, **_only(vendor.name))
        for vendor in vendors().values()
    ]
    entry: Any = Annotated[reduce(or_, models), Field(discriminator="vendor")]
    providers: dict[str, Any] = {
        name: (provider.source | None, None) for name, provider in mail_providers().items()
    }
    strict = ConfigDict(extra="forbid")
    mail_events: Any = create_model("Mail events", __config__=strict, **providers)
    file: Any = create_model(
        "Callers",
        __config__=strict,
        sources=(dict[Name, entry], Field(default_factory=dict)),
        mail_events=(mail_events, Field(default_factory=mail_events)),
        inbound_mail=(MailSource | None, None),
    )
    given: Any = load_yaml(path, file, _mistakes)
    return Callers(
        sources={
            name: Configured(name, source, vendors()[source.vendor], _contents(source.secrets))
            for name, source in given.sources.items()
        },
        mail={
            name: ConfiguredMail(mail_providers()[name], source, _contents(getattr(source, "secrets", ())))
            for name, source in given.mail_events
            if source is not None
        },
        inbound_mail_secrets=_contents(given.inbound_mail.secrets if given.inbound_mail else ()),
    )


def read_secret(name: str) -> str | None:
    """A secret by its name: the environment's variable in capitals, else the file in `secret_folders`."""
    from_environment = os.environ.get(name.upper())
    if from_environment:
        return from_environment
    for folder in secret_folders():
        with suppress(OSError):
            if content := (folder / name).read_text().strip():
                return content
    return None


def _only(vendor: str) -> dict[str, Any]:
    return {"vendor": (Literal[vendor], ...)}


def _contents(names: Iterable[str]) -> tuple[str, ...]:
    found = (read_secret(name) for name in names)
    return tuple(secret for secret in found if secret and len(secret) >= SHORTEST_SECRET)


def _mistakes(file: BaseModel) -> Iterable[tuple[Location, str]]:
    sources: Mapping[str, Source] = file.sources  # type: ignore[attr-defined] # the model is made above
    for name, source in sources.items():
        if name == RESERVED_SOURCE:
            yield ("sources", name), "is the hosted survey's own name"
        for theirs, ours in (source.scores or {}).items():
            scale = SCALES[source.metric] if source.metric else None
            if scale and not scale.lowest <= ours <= scale.highest:
                expected = f"expected {scale.lowest} to {scale.highest}, which {source.metric} has"
                yield ("sources", name, "scores", theirs), expected
