"""The ingest service's settings."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from runtime.settings import Port, Secret, ServiceSettings
from services.ingest.api_keys import ApiKeys
from services.ingest.imap_poller import Mailbox


class IngestSettings(ServiceSettings):
    """Settings of `python -m services.ingest`. Health and metrics are served beside the API."""

    ingest_host: str = "127.0.0.1"
    """The address that the API and the hosted survey are served on."""
    ingest_port: Port = 8000
    """The port that the API and the hosted survey are served on, 1 to 65535."""
    ops_port: Port = 8000
    """Not used by ingest: health and metrics are on INGEST_PORT."""
    ingest_api_keys: SecretStr = SecretStr("")
    """Lines of source-name:sha256-of-the-key, beside the keys that `feedback keys create` makes."""
    ingest_records_per_second: int = Field(20_000, ge=0)
    """Records that one API key may send here a second; what exceeds it is answered 429. 0: any number."""
    person_key_secret: Secret
    """At least 32 random characters; changing it separates every person from their history."""
    survey_token_secret: Secret
    """At least 32 random characters, the same as the router's."""
    widget_secret: Secret | None = None
    """At least 32 random characters, with which your product signs who is signed in; unset: the widget asks
    nobody whom you know.
    """
    widget_origins: Annotated[str, Field(pattern=r"^(https?://[^\s,/]+(,https?://[^\s,/]+)*)?$")] = ""
    """Where pages with the widget are served from, such as https://app.example.com, separated by commas."""
    imap_host: str | None = None
    """Mail server whose mailbox is read for answers to our mails; unset: none is."""
    imap_port: Port = 993
    """Its port; TLS from the first byte."""
    imap_username: str | None = None
    """Login of the mailbox."""
    imap_password: SecretStr | None = None
    """Password of that login."""
    imap_folder: Annotated[str, Field(pattern=r'^[^"\\\r\n]+$')] = "INBOX"
    """The folder that answers come to."""
    imap_tls: bool = True
    """Speak TLS; false only for a server on this machine."""

    @property
    def mailbox(self) -> Mailbox | None:
        """The mailbox that is read, where one is configured."""
        if self.imap_host is None or self.imap_username is None or self.imap_password is None:
            return None
        return Mailbox(
            host=self.imap_host,
            port=self.imap_port,
            username=self.imap_username,
            password=self.imap_password.get_secret_value(),
            folder=self.imap_folder,
            encrypted=self.imap_tls,
        )

    @field_validator("ingest_api_keys")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        ApiKeys.parse(value.get_secret_value())
        return value

    def origins(self) -> list[str]:
        """WIDGET_ORIGINS, one by one."""
        return [origin for origin in self.widget_origins.split(",") if origin]
