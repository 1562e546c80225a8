"""The router's HTTP API for people whom several records outside match."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from runtime.operator import Operator
from runtime.postgres import Pool
from runtime.problems import Problem
from services.router import match_reviews


class MatchReview(BaseModel):
    """A person who needs somebody's eye."""

    model_config = ConfigDict(from_attributes=True)

    destination: str
    person_key: str
    candidates: list[str]
    """Record ids in the destination."""
    subject: str
    """The latest answer of which nobody knew whose it is."""
    found_at: datetime


def routes(*, pool: Pool, operator: Operator) -> APIRouter:
    """The API's routes."""
    router = APIRouter(prefix="/v1/match-reviews", dependencies=[Depends(operator)])

    @router.get("")
    def listed(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> list[MatchReview]:
        with pool.connection() as connection:
            found = match_reviews.listed(connection, limit)
        return [MatchReview.model_validate(one) for one in found]

    @router.delete("/{destination}/{person_key}", status_code=204)
    def settle(destination: str, person_key: str) -> None:
        with pool.connection() as connection:
            if not match_reviews.settle(connection, destination, person_key):
                raise Problem(404, "There is nothing to review for this person.")

    return router
