"""Webhooks as Standard Webhooks 1.0.0 has them: what the destinations that send them share.

A receiver knows a repeated webhook by its id, so a call whose answer was lost is simply made again. The id is
the effect's; news of the same effect (an edited score, a withdrawn answer) has a webhook and id of its own.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from pydantic import JsonValue, SecretStr, field_validator
from pydantic_core import to_json
from standardwebhooks import Webhook

from services.router.destination import (
    Absent,
    Ambiguous,
    Call,
    Delivered,
    Failed,
    Operation,
    Result,
    Retry,
    Sighting,
)
from services.router.outbound import ErrorTable, verdict
from services.router.outbound_settings import OutboundSettings

ERRORS: ErrorTable = {
    HTTPStatus.BAD_REQUEST: Failed,
    HTTPStatus.CONFLICT: Failed,
    HTTPStatus.GONE: Failed,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Failed,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: Failed,
    HTTPStatus.UNPROCESSABLE_ENTITY: Failed,
}
"""What a status other than 2xx means; any other: Retry.

A redirect, a refused signature or a missing address concern every webhook and pass when somebody puts them
right. A server error is repeated: the receiver recognises the id.
"""

Payload = Callable[[Call], dict[str, JsonValue]]
"""What a call's webhook holds: see `body`."""


def body(
    call: Call, types: Mapping[Operation, str], timestamp: datetime, told: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """The body of a call's webhook: what is `told`, of which effect, and when it came to be (UTC)."""
    return {
        "type": types[call.operation],
        "timestamp": timestamp.isoformat(),
        "data": {"effect_id": str(call.effect_id), "version": call.version, **told},
    }


class WebhookSettings(OutboundSettings):
    """Where a destination's webhooks go."""

    secret: SecretStr | None = None
    """Standard Webhooks secret that signs them, `whsec_` and base64."""

    @field_validator("secret")
    @classmethod
    def _signs(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            try:
                Webhook(secret.get_secret_value())
            except (ValueError, RuntimeError):
                raise ValueError("it is not base64") from None
        return secret


class Receiver:
    """A connected receiver of webhooks."""

    def __init__(
        self,
        settings: OutboundSettings,
        *,
        url: str,
        signer: Webhook,
        payload: Payload,
        errors: ErrorTable = ERRORS,
    ) -> None:
        self.limits = settings.limits
        self._url = url
        self._signer = signer
        self._payload = payload
        self._errors = errors
        self._http = settings.connection()

    def deliver(self, call: Call) -> Result:
        """Send the webhook that says what happened to the effect."""
        webhook_id = str(call.effect_id)
        if call.operation is not Operation.CREATE:
            webhook_id += f".{call.version}"
        signed = to_json(self._payload(call)).decode()
        now = datetime.now(UTC)
        answer = self._http.send(
            "POST",
            self._url,
            headers={
                "content-type": "application/json",
                "webhook-id": webhook_id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": self._signer.sign(webhook_id, now, signed),
            },
            body=signed.encode(),
            seconds=call.deadline_seconds,
        )
        if isinstance(answer, Retry | Ambiguous):
            return answer
        # The receiver has no name of its own for what it was told.
        return Delivered(str(call.effect_id)) if answer.is_success else verdict(answer, self._errors)

    def reconcile(self, _call: Call) -> Sighting:
        """A receiver cannot be asked; repeating the webhook settles it."""
        return Absent()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def connect(settings: WebhookSettings, payload: Payload, errors: ErrorTable = ERRORS) -> Receiver | str:
    """The receiver at the configured address, or why there is none."""
    prefix = settings.model_config.get("env_prefix", "")
    if settings.url is None:
        return f"{prefix}URL is not set"
    if settings.secret is None:
        return f"{prefix}SECRET is not set"
    signer = Webhook(settings.secret.get_secret_value())
    return Receiver(settings, url=settings.url, signer=signer, payload=payload, errors=errors)
