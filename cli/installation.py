"""`feedback init`: what an installation needs before its first start."""

import os
import re
import secrets
from pathlib import Path

from cli import secret_files
from cli.env_example import COMPOSE_FILE, render
from cli.terminal import console, end

# Whom containers run as when root sets the product up: any id that no user of the machine has.
CONTAINER_USER = 10_001
SOURCE_NAME = re.compile(r"(?!survey$)[a-z0-9][a-z0-9_.-]{0,63}")
"""As ingest reads it; `survey` is the hosted survey's own."""
_SANDBOX = "http://sandbox:8090"
DEMO_VALUES = {
    "COMPOSE_PROFILES": "demo",
    "DELIVERY_MODE": "live",
    "BUSINESS_CLOCK": "shiftable",
    "SLACK_BASE_URL": f"{_SANDBOX}/slack/api/",
    "INTERACTIVITY_URL": "http://router:8000/v1/slack/interactions",
    "EVENTS_URL": "http://router:8000/v1/slack/events",
    "SALESFORCE_INSTANCE_URL": f"{_SANDBOX}/salesforce",
    "SALESFORCE_LOGIN_URL": f"{_SANDBOX}/salesforce",
    "SALESFORCE_CLIENT_ID": "feedback-router",
    "SALESFORCE_USERNAME": "integration@acme.test",
    "SMTP_HOST": "sandbox",
    "SMTP_PORT": "8025",
    "SMTP_STARTTLS": "false",
    "MAIL_FROM": "Acme Software <hello@acme.test>",
    "MARKETING_ALLOW_PRIVATE_HOSTS": "sandbox",
    "MARKETING_URL": f"{_SANDBOX}/marketing/events",
    "ISSUES_ALLOW_PRIVATE_HOSTS": "sandbox",
    "ISSUES_URL": f"{_SANDBOX}/jira",
    "ISSUES_EMAIL": "feedback@acme.test",
    "HEALTH_ALLOW_PRIVATE_HOSTS": "sandbox",
    "HEALTH_URL": f"{_SANDBOX}/health/events",
}
"""Settings that make the sandbox the outside world."""


def install(folder: Path, *, source: str, demo: bool) -> None:
    """Writes .env and the secrets that are missing, says so, and says what comes next.

    `source` is whose answers the first API key lets in.
    """
    if not SOURCE_NAME.fullmatch(source):
        end(f"A source is named with a-z 0-9 . _ - (at most 64 characters), not {source!r}.", code=2)
    user, group = container_user()
    values = {"FEEDBACK_UID": str(user), "FEEDBACK_GID": str(group)} | (DEMO_VALUES if demo else {})
    _say_written(".env", is_new=_write_env(folder, values))
    api_key = f"fr_{secrets.token_urlsafe(32)}"
    made = write_secrets(folder / "secrets", api_key=api_key, source=source, demo=demo)
    _say_written("secrets/", is_new=bool(made))
    _make_var(folder / "var")
    if "ingest_api_keys" in made:
        console.print(
            f"\nThe API key of `{source}`, shown this once and kept only as a hash:\n\n  {api_key}\n"
        )
    _say_what_comes_next(demo=demo)


def container_user() -> tuple[int, int]:
    """User and group id that containers run as, so that they can read the secrets."""
    return (os.getuid(), os.getgid()) if os.getuid() else (CONTAINER_USER, CONTAINER_USER)


def write_secrets(folder: Path, *, api_key: str, source: str, demo: bool) -> set[str]:
    """Writes the secrets that are missing; returns the names of those made now.

    Those that only somebody outside can give (a Slack token) become empty files to fill in.
    """
    found = secret_files.existing(folder)
    password = found.get("postgres_password") or secrets.token_hex(24)
    made = secret_files.own(database_password=password, api_key=api_key, source=source)
    if demo:
        made |= secret_files.for_sandbox()
    secret_files.write(folder, made | found, owner=container_user() if os.getuid() == 0 else None)
    return made.keys() - found.keys()


def _make_var(folder: Path) -> None:
    """Makes the folder that containers read models from and the command writes to.

    Docker would make it as root, whose folder the containers' user may not write to.
    """
    for made in (folder, folder / "models"):
        made.mkdir(exist_ok=True)
        if os.getuid() == 0:
            os.chown(made, *container_user())


def _write_env(folder: Path, values: dict[str, str]) -> bool:
    compose = folder / COMPOSE_FILE
    text = render(compose.read_text() if compose.exists() else "", values)
    try:
        with (folder / ".env").open("x") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _say_written(what: str, *, is_new: bool) -> None:
    console.print(f"{what} {'written' if is_new else 'kept: nothing there was changed'}")


def _say_what_comes_next(*, demo: bool) -> None:
    steps = [
        "Read .env; put the tokens of Slack, Salesforce, mail, marketing into secrets/router/ (empty: off).",
        "Look through deploy/config/ and run `feedback config check`.",
        "Start: docker compose up --build --wait",
        "Nothing leaves while DELIVERY_MODE=observe: see what would be sent, then try `pilot`, then `live`.",
    ]
    if demo:
        steps = [
            "Start: docker compose up --build --wait",
            "Send an answer with that key: docs/docker-compose.md has a call to copy.",
            "See what Slack, Salesforce and the others received: http://127.0.0.1:8090",
            "Open the pages of insights with the password in secrets/insights/local_password:"
            " http://127.0.0.1:8004",
        ]
    console.print("What comes next")
    for number, step in enumerate(steps, start=1):
        console.print(f"  {number}. {step}")
