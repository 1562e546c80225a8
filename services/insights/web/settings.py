"""What the pages need to know."""

from typing import Annotated

from pydantic import Field, SecretStr

from runtime.settings import EnvironmentSettings, Secret

_MIN_PASSWORD_LENGTH = 12


class PageSettings(EnvironmentSettings):
    """Settings of the pages; without SESSION_SECRET there are none."""

    session_secret: Secret | None = None
    """At least 32 random characters that sign the cookies of who signed in; unset: the pages are off."""
    insights_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")] = "http://127.0.0.1:8004"
    """Where browsers find the pages, such as https://feedback.example.com; with https, cookies need it."""
    oidc_issuer: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    """Address of your OpenID Connect service, under which .well-known/openid-configuration lies."""
    oidc_client_id: str | None = None
    """The client that you registered there; it may return to INSIGHTS_URL/sign-in/return."""
    oidc_client_secret: SecretStr | None = None
    """That client's secret."""
    oidc_scope: str = "openid profile email"
    """What is asked for; some services need one more scope to tell groups."""
    oidc_role_claim: str = "groups"
    """The claim that names roles: groups, roles or another."""
    oidc_role_prefix: str = "feedback-"
    """What stands before viewer, agent or admin in that claim."""
    local_password: Annotated[SecretStr, Field(min_length=_MIN_PASSWORD_LENGTH)] | None = None
    """For development: whoever knows these 12 characters or more signs in as admin. Unset: nobody does."""
    local_email: str | None = None
    """The address in people.yaml of whoever signs in so; unset: they may read, and write to nobody."""
    router_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")] = "http://127.0.0.1:8002"
    """Where the router's HTTP API is: what people do about an answer goes through it."""
    router_operator_key: Secret | None = None
    """The router's own key; unset: answers can be read, and nothing be done about them."""
    scheduler_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")] = "http://127.0.0.1:8003"
    """Where the scheduler's HTTP API is: it knows why somebody was asked, or not."""
    scheduler_operator_key: Secret | None = None
    """The scheduler's own key; unset: no page says why somebody was asked."""
