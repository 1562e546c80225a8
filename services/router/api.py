"""The router's HTTP API: where its deliveries stand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from runtime.postgres import Pool
from services.router.delivery import Deliveries
from services.router.history import deliveries_of
from services.router.operator import Operator


class DestinationState(BaseModel):
    """One kind of destination, as this replica sees it."""

    name: str
    enabled: bool
    reason: str | None
    """Why it is disabled."""
    breaker: str
    """closed, open, or half_open while single calls try whether it is back."""
    calls_per_second: float | None
    """For each rate key; null is unlimited."""


class AttemptState(BaseModel):
    """One call."""

    operation: str
    version: int
    started_at: datetime
    finished_at: datetime | None
    result: str | None
    cause: str | None


class DeliveryState(BaseModel):
    """One effect with its calls, oldest first."""

    action: str
    effect_id: str
    rule: str
    destination: str
    wanted: str
    desired_version: int
    sent_version: int
    outside: str
    external_id: str | None
    status: str
    reason: str | None
    planned_at: datetime
    changed_at: datetime
    attempts: list[AttemptState]


def routes(*, deliveries: Sequence[Deliveries], pool: Pool, operator: Operator) -> APIRouter:
    """The API's routes."""
    router = APIRouter(prefix="/v1")

    @router.get("/destinations")
    def destinations() -> list[DestinationState]:
        return [
            DestinationState(
                name=worker.name,
                enabled=worker.disabled is None,
                reason=worker.disabled,
                breaker=worker.breaker.state,
                calls_per_second=worker.limits.calls_per_second,
            )
            for worker in deliveries
        ]

    @router.get("/deliveries", dependencies=[Depends(operator)])
    def find(
        subject: Annotated[
            str, Query(pattern=r"^(response|request):[0-9a-f-]{36}$", examples=["response:<response id>"])
        ],
    ) -> list[DeliveryState]:
        with pool.connection() as connection:
            found: list[dict[str, Any]] = deliveries_of(connection, subject)
        return [DeliveryState.model_validate(row | {"effect_id": str(row["effect_id"])}) for row in found]

    return router
