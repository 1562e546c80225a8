"""A sandbox in a process of its own, for tests, benches and the demo, and the credentials it accepts."""

import base64
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import httpx2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.processes import free_port, spawn, stop, wait_until

ISSUES_EMAIL = "feedback@acme.test"
_START_SECONDS = 30.0


@dataclass(frozen=True)
class Credentials:
    """What the doubles accept and the product's destinations present."""

    slack_bot_token: str
    slack_signing_secret: str
    slack_app_token: str
    salesforce_client_id: str
    salesforce_username: str
    salesforce_private_key: str
    salesforce_public_key: str
    marketing_secret: str
    health_secret: str
    webhook_secret: str
    issues_token: str

    @classmethod
    def generate(cls) -> "Credentials":
        """Make new ones; takes a tenth of a second."""
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(
            slack_bot_token=f"xoxb-{secrets.token_hex(20)}",
            slack_signing_secret=secrets.token_hex(16),
            slack_app_token=f"xapp-1-A0SANDBOX1-{secrets.token_hex(20)}",
            salesforce_client_id=f"3MVG9{secrets.token_hex(24)}",
            salesforce_username="feedback-router@acme.test",
            salesforce_private_key=private.decode(),
            salesforce_public_key=public.decode(),
            marketing_secret=_webhook_secret(),
            health_secret=_webhook_secret(),
            webhook_secret=_webhook_secret(),
            issues_token=secrets.token_urlsafe(32),
        )

    def for_sandbox(self) -> dict[str, str]:
        """Environment variables of `python -m sandbox`."""
        return {
            "SLACK_BOT_TOKEN": self.slack_bot_token,
            "SLACK_SIGNING_SECRET": self.slack_signing_secret,
            "SLACK_APP_TOKEN": self.slack_app_token,
            "SALESFORCE_CLIENT_ID": self.salesforce_client_id,
            "SALESFORCE_USERNAME": self.salesforce_username,
            "SALESFORCE_PUBLIC_KEY": self.salesforce_public_key,
            "MARKETING_SECRET": self.marketing_secret,
            "HEALTH_SECRET": self.health_secret,
            "WEBHOOK_SECRET": self.webhook_secret,
            "ISSUES_EMAIL": ISSUES_EMAIL,
            "ISSUES_TOKEN": self.issues_token,
        }

    def for_router(self, url: str, smtp_port: int) -> dict[str, str]:
        """Environment variables that point the router's destinations at the sandbox at `url`."""
        host = httpx2.URL(url).host
        return {
            "SLACK_BOT_TOKEN": self.slack_bot_token,
            "SLACK_SIGNING_SECRET": self.slack_signing_secret,
            "SLACK_BASE_URL": f"{url}/slack/api/",
            "SALESFORCE_INSTANCE_URL": f"{url}/salesforce",
            "SALESFORCE_LOGIN_URL": f"{url}/salesforce",
            "SALESFORCE_CLIENT_ID": self.salesforce_client_id,
            "SALESFORCE_USERNAME": self.salesforce_username,
            "SALESFORCE_PRIVATE_KEY": self.salesforce_private_key,
            "SMTP_HOST": host,
            "SMTP_PORT": str(smtp_port),
            "SMTP_STARTTLS": "false",
            "MAIL_FROM": "Acme <feedback@acme.test>",
            "MARKETING_ALLOW_PRIVATE_HOSTS": host,
            "MARKETING_URL": f"{url}/marketing/events",
            "MARKETING_SECRET": self.marketing_secret,
            "HEALTH_ALLOW_PRIVATE_HOSTS": host,
            "HEALTH_URL": f"{url}/health/events",
            "HEALTH_SECRET": self.health_secret,
            "ISSUES_ALLOW_PRIVATE_HOSTS": host,
            "ISSUES_URL": f"{url}/jira",
            "ISSUES_EMAIL": ISSUES_EMAIL,
            "ISSUES_TOKEN": self.issues_token,
        }

    def for_webhook(self, url: str, name: str) -> dict[str, str]:
        """Environment variables that point the webhook called `name` in destinations.yaml at the sandbox."""
        variable = f"WEBHOOK_{name.upper()}"
        return {
            f"{variable}_ALLOW_PRIVATE_HOSTS": str(httpx2.URL(url).host),
            f"{variable}_URL": f"{url}/webhook/events/{name}",
            f"{variable}_SECRET": self.webhook_secret,
        }


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


class RunningSandbox:
    """A started sandbox. As a context manager it ends with the block."""

    def __init__(
        self, process: subprocess.Popen[bytes], credentials: Credentials, *, port: int, smtp_port: int
    ) -> None:
        self.credentials = credentials
        self.url = f"http://127.0.0.1:{port}"
        self.smtp_port = smtp_port
        self._process = process

    @classmethod
    def start(
        cls, credentials: Credentials, *, log: Path, environment: Mapping[str, str] | None = None
    ) -> "RunningSandbox":
        """Start one on free ports and wait until it answers; `environment` adds settings to the credentials'.

        Call it from a thread that lives as long as the sandbox should. Raises EmbeddedServerError with the
        end of `log` if it does not come up.
        """
        port, smtp_port = free_port(), free_port()
        process = spawn(
            [sys.executable, "-m", "sandbox"],
            log=log,
            environment={
                **os.environ,
                **credentials.for_sandbox(),
                "SANDBOX_PORT": str(port),
                "SANDBOX_SMTP_PORT": str(smtp_port),
                **(environment or {}),
            },
        )
        running = cls(process, credentials, port=port, smtp_port=smtp_port)
        wait_until(running.is_up, process, log=log, timeout_seconds=_START_SECONDS)
        return running

    @property
    def router_environment(self) -> dict[str, str]:
        """Environment variables that point the router's destinations here."""
        return self.credentials.for_router(self.url, self.smtp_port)

    def is_up(self) -> bool:
        """Whether it answers now."""
        with suppress(httpx2.HTTPError):
            return httpx2.get(f"{self.url}/health/ready", timeout=1, trust_env=False).is_success
        return False

    def stop(self) -> None:
        """End it; everything it received is gone."""
        stop(self._process, signal.SIGTERM)

    def __enter__(self) -> "RunningSandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
