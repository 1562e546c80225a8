"""What became of an advocate, as the marketing platform reports it: a signed webhook that becomes an outcome.

The body is `{"type": "advocacy.changed", "data": {"effect_id": "...", "status": "published"}}`, where the id
is the one that the platform was given; the signature is Standard Webhooks 1.0.0.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, SecretStr, StringConstraints, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from runtime.clock import Clock
from runtime.postgres import Pool
from runtime.problems import Problem, explain
from services.router import advocacy

PATH = "/v1/callbacks/marketing"


class AdvocacyChange(BaseModel):
    """What became of the person that one effect told the platform about."""

    effect_id: UUID
    status: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    """In the platform's words: invited, accepted, declined, published."""


class Callback(BaseModel):
    """The body of the webhook."""

    type: Literal["advocacy.changed"]
    data: AdvocacyChange


def routes(*, pool: Pool, clock: Clock, secret: SecretStr | None) -> APIRouter:
    """The one route; without a secret it is closed."""
    router = APIRouter()
    signer = Webhook(secret.get_secret_value()) if secret else None

    @router.post(PATH, status_code=204)
    async def take(request: Request) -> Response:
        body = await request.body()
        if signer is None:
            raise Problem(503, "MARKETING_CALLBACK_SECRET is not set.")
        try:
            signer.verify(body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # the library decodes what it is sent unchecked
            raise Problem(401, "Expected a signature as Standard Webhooks 1.0.0 has it.") from None
        webhook_id = request.headers["webhook-id"]
        await run_in_threadpool(_record, pool, _read(body), webhook_id, clock.now())
        return Response(status_code=204)

    return router


def _read(body: bytes) -> AdvocacyChange:
    try:
        return Callback.model_validate_json(body).data
    except ValidationError as error:
        found = error.errors(include_url=False)
        errors = [explain({**one, "loc": ("body", *one["loc"])}) for one in found]
        detail = f"Not as expected: {', '.join(one.field or 'the body' for one in errors)}."
        raise Problem(422, detail, errors=errors) from None


def _record(pool: Pool, change: AdvocacyChange, webhook_id: str, now: datetime) -> None:
    """Publish the outcome; a repeated webhook gives the same one again."""
    with pool.connection() as connection:
        if not advocacy.report(connection, change.effect_id, change.status, told_by=webhook_id, now=now):
            raise Problem(404, "There is no delivery with this id.")
