"""The secrets of an installation: one folder a container, one file a secret, for the owner alone.

A secret is made once and never replaced; a container sees those it needs and no others.
"""

import os
import secrets
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic_settings import BaseSettings

from cli.catalogue import SERVICES, variables
from cli.settings import DatabaseSettings
from runtime.salesforce import SalesforceSettings
from sandbox.settings import SandboxSettings
from services.router.plugins import discover

OWNER_ONLY = 0o600
DATABASE_USER = "feedback"


def holders() -> dict[str, set[str]]:
    """The names of the secrets that each container holds, by the container's folder."""
    services = {name: _secrets_of(settings) for name, settings in SERVICES.items()}
    services["ingest"] |= _secrets_of(SalesforceSettings)
    services["router"] = services["router"].union(
        *(_secrets_of(each.settings) for each in discover().values() if not each.is_named)
    )
    # The sandbox checks what the services sign, and turns the business clock in their database.
    sandbox = _secrets_of(SandboxSettings) | {"salesforce_public_key", "database_url"}
    return {
        **services,
        "jobs": _secrets_of(DatabaseSettings),
        "sandbox": sandbox,
        "postgres": {"postgres_password"},
        "grafana": {"grafana_admin_password"},
    }


def own(*, database_password: str, api_key: str, source: str) -> dict[str, str]:
    """The secrets that an installation makes for itself, by name."""
    return {
        "postgres_password": database_password,
        "database_url": f"postgresql://{DATABASE_USER}:{database_password}@postgres:5432/{DATABASE_USER}",
        "person_key_secret": secrets.token_hex(32),
        "survey_token_secret": secrets.token_hex(32),
        "widget_secret": secrets.token_hex(32),
        "ingest_api_keys": f"{source}:{sha256(api_key.encode()).hexdigest()}",
        "session_secret": secrets.token_hex(32),
        "router_operator_key": secrets.token_hex(32),
        "scheduler_operator_key": secrets.token_hex(32),
        "insights_api_key": secrets.token_hex(32),
        "grafana_admin_password": secrets.token_urlsafe(18),
    }


def for_sandbox() -> dict[str, str]:
    """The credentials with which services, sandbox and whoever tries them out know one another, by name."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "slack_bot_token": f"xoxb-{secrets.token_hex(16)}",
        "slack_signing_secret": secrets.token_hex(16),
        "salesforce_private_key": private.decode(),
        "salesforce_public_key": public.decode(),
        "issues_token": secrets.token_urlsafe(32),
        "local_password": secrets.token_urlsafe(12),
        **{
            f"{name}_secret": f"whsec_{b64encode(secrets.token_bytes(24)).decode()}"
            for name in ("marketing", "marketing_callback", "health", "webhook")
        },
    }


def existing(folder: Path) -> dict[str, str]:
    """The secrets that are there already, by name."""
    found = {path.name: path.read_text() for path in sorted(folder.glob("*/*")) if path.is_file()}
    return {name: content for name, content in found.items() if content}


def write(folder: Path, contents: Mapping[str, str], *, owner: tuple[int, int] | None = None) -> None:
    """Gives every container its files; those that hold something are left as they are.

    A secret without content becomes an empty file, which counts as not set. `owner` is a user and a group id.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for holder, names in holders().items():
        (folder / holder).mkdir(mode=0o700, exist_ok=True)
        if owner is not None:
            os.chown(folder / holder, *owner)
        for name in sorted(names):
            _write(folder / holder / name, contents.get(name, ""), owner)


def _write(path: Path, content: str, owner: tuple[int, int] | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
    with os.fdopen(descriptor, "w") as file:
        if os.fstat(descriptor).st_size:
            return
        if owner is not None:
            os.fchown(descriptor, *owner)
        file.write(content)


def _secrets_of(settings: type[BaseSettings]) -> set[str]:
    return {variable.secret_file for variable in variables(settings) if variable.is_secret}
