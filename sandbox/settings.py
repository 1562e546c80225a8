"""Settings of the sandbox."""

from pydantic import Field, SecretStr

from runtime.settings import EnvironmentSettings, Listed


class SandboxSettings(EnvironmentSettings):
    """What the doubles listen on, accept and limit. A double without its credential refuses every call."""

    sandbox_host: str = Field("127.0.0.1", description="Address the HTTP and SMTP doubles bind.")
    sandbox_port: int = Field(8090, description="Port of the page and of every HTTP double.")
    sandbox_smtp_port: int = Field(8025, description="Port of the SMTP catcher.")
    sandbox_public_url: str = Field("", description="How clients reach the sandbox; default: host and port.")
    sandbox_rate_factor: float = Field(
        1.0, gt=0, description="Multiplies every rate limit; 1 = as the real service."
    )
    sandbox_keep: int = Field(
        50_000, gt=0, description="Messages, mails, calls kept per double; oldest go first."
    )

    ingest_url: str = Field(
        "", description="Where browsers get ingest's widget; empty: the page at /product has none."
    )

    slack_bot_token: SecretStr = Field(
        SecretStr(""), description="The one bot token the Slack double accepts."
    )
    slack_signing_secret: SecretStr = Field(SecretStr(""), description="Signs the interactivity callbacks.")
    slack_app_token: SecretStr = Field(
        SecretStr(""), description="The one app-level token (Socket Mode) the Slack double accepts."
    )
    interactivity_url: str = Field(
        "", description="Where a pressed button is posted; empty: buttons are off without Socket Mode."
    )
    events_url: str = Field("", description="Where Slack's events are posted, such as a home tab's opening.")
    sandbox_slack_channels: Listed = Field(
        ("customer-success", "product-feedback", "marketing", "sales", "support", "finance", "kudos"),
        description="Channels the bot is a member of, comma-separated.",
    )
    sandbox_slack_users: Listed = Field(
        (
            "maya.lindqvist@acme.test",
            "jonas.weber@acme.test",
            "aiko.tanaka@acme.test",
            "oskar.berg@acme.test",
        ),
        description="E-mail addresses of the workspace's people (also Salesforce users), comma-separated.",
    )

    salesforce_client_id: str = Field("", description="Consumer key of the External Client App (JWT `iss`).")
    salesforce_username: str = Field("", description="The pre-authorised user (JWT `sub`).")
    salesforce_public_key: str = Field("", description="PEM public key or certificate that verifies the JWT.")
    sandbox_salesforce_audiences: Listed = Field(
        ("https://login.salesforce.com", "https://test.salesforce.com"),
        description="Accepted JWT `aud` values, comma-separated.",
    )
    sandbox_salesforce_daily_calls: int = Field(100_000, gt=0, description="API calls a day before refusals.")
    sandbox_salesforce_session_seconds: float = Field(7200, gt=0, description="Lifetime of an access token.")

    smtp_username: str = Field("", description="Required SMTP login; empty: none is asked for.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password of that login.")

    marketing_secret: SecretStr = Field(SecretStr(""), description="Standard Webhooks secret (`whsec_...`).")
    health_secret: SecretStr = Field(SecretStr(""), description="The same of the customer-success platform.")
    webhook_secret: SecretStr = Field(SecretStr(""), description="The same of every webhook.")

    issues_email: str = Field("feedback@acme.test", description="The one account the Jira double accepts.")
    issues_token: SecretStr = Field(SecretStr(""), description="API token of that account.")

    database_url: SecretStr = Field(
        SecretStr(""), description="Where the business clock's offset is kept; empty: the clock stands."
    )

    @property
    def public_url(self) -> str:
        """Base URL without a trailing slash, as the doubles put it into what they return."""
        return (self.sandbox_public_url or f"http://{self.sandbox_host}:{self.sandbox_port}").rstrip("/")
