"""The router's settings; those of a destination stand in its own file."""

from pydantic import Field, HttpUrl, SecretStr, field_validator

from runtime.settings import LowerListed, Port, Secret, ServiceSettings
from services.router.clearance import DeliveryMode
from services.router.storm import DEFAULT_PEOPLE


class RouterSettings(ServiceSettings):
    """Settings of `python -m services.router`."""

    ops_port: Port = 8002
    """The port that health, metrics and the API are served on, 1 to 65535."""
    public_url: HttpUrl = HttpUrl("http://127.0.0.1:8000/")
    """Where respondents reach the hosted survey; survey links begin with it."""
    survey_token_secret: Secret
    """At least 32 random characters, the same as ingest's."""
    delivery_mode: DeliveryMode = DeliveryMode.OBSERVE
    """observe (nothing leaves), pilot (only to PILOT_ALLOW) or live."""
    router_operator_key: Secret | None = None
    """At least 32 random characters; whoever holds it may read deliveries and follow-ups and change them."""
    marketing_callback_secret: SecretStr | None = None
    """Standard Webhooks secret with which marketing signs what became of an advocate; unset: it may not."""
    ledger_days: int = Field(400, ge=35, le=3650)
    """Days that calls, plans with their facts, and what was sent are kept; after that only ids are."""
    storm_people: int = Field(DEFAULT_PEOPLE, ge=0, le=10_000)
    """Distinct people whose cards one channel takes within ten minutes; the cards of more, or of several
    people of one account, go below one summary card. 0: all cards come."""
    pilot_allow: LowerListed = ()
    """Channels and e-mail addresses that pilot mode delivers to, separated by commas."""

    @field_validator("pilot_allow")
    @classmethod
    def _without_marks(cls, allowed: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(entry.removeprefix("#") for entry in allowed)
