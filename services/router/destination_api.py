"""The router's HTTP API for destinations: where they stand, and leaving one alone for a while."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, StringConstraints

from runtime.operator import Operator
from runtime.postgres import Pool
from runtime.problems import Problem
from services.router import interventions
from services.router.delivery import Deliveries
from services.router.pauses import Pause, paused


class DestinationState(BaseModel):
    """One destination: whether people paused it, the rest as this replica sees it."""

    name: str
    enabled: bool
    reason: str | None
    """Why it is disabled."""
    breaker: str
    """closed, open, or half_open while single calls try whether it is back."""
    calls_per_second: float | None
    """For each rate key; null is unlimited."""
    paused_at: datetime | None
    """Since when nothing is sent to it; null where it is not paused."""
    paused_because: str | None


class PauseRequest(BaseModel):
    """Why a destination is to be left alone."""

    model_config = ConfigDict(extra="forbid")

    because: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def routes(*, deliveries: Sequence[Deliveries], pool: Pool, operator: Operator) -> APIRouter:
    """The API's routes."""
    router = APIRouter(prefix="/v1/destinations")
    workers = {worker.name: worker for worker in deliveries}

    def known(name: str) -> Deliveries:
        if name not in workers:
            raise Problem(404, f"There is no destination of this name. There are: {', '.join(workers)}.")
        return workers[name]

    def state(worker: Deliveries, pause: Pause | None) -> DestinationState:
        return DestinationState(
            name=worker.name,
            enabled=worker.disabled is None,
            reason=worker.disabled,
            breaker=worker.breaker.state,
            calls_per_second=worker.limits.calls_per_second,
            paused_at=pause.at if pause else None,
            paused_because=pause.because if pause else None,
        )

    @router.get("")
    def destinations() -> list[DestinationState]:
        with pool.connection() as connection:
            pauses = paused(connection)
        return [state(worker, pauses.get(worker.name)) for worker in deliveries]

    @router.post("/{name}/pause", dependencies=[Depends(operator)])
    def pause(name: str, request: PauseRequest) -> DestinationState:
        worker = known(name)
        with pool.connection() as connection:
            interventions.pause(connection, name, request.because)
            return state(worker, paused(connection).get(name))

    @router.post("/{name}/resume", dependencies=[Depends(operator)])
    def resume(name: str) -> DestinationState:
        worker = known(name)
        with pool.connection() as connection:
            interventions.resume(connection, name)
        return state(worker, None)

    return router
