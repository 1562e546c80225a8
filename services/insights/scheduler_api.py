"""The scheduler's reasons, read when somebody looks: they are on no topic."""

from collections.abc import Mapping
from datetime import datetime

import httpx2
import structlog
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

_TIMEOUT_SECONDS = 2.0
"""A page waits no longer for what it can do without."""

log = structlog.get_logger(__name__)


class Decision(BaseModel):
    """Whether a program asked a person on an occasion."""

    model_config = ConfigDict(frozen=True)

    program: str
    outcome: str
    """asked, postponed or skipped."""
    gate: str | None = None
    """What kept it from asking."""
    fact: Mapping[str, str | int | float | None] = {}
    """What that gate saw."""
    decided_at: datetime
    next_eligible_at: datetime | None = None


class Planned(BaseModel):
    """What a program wants, or wanted, to ask a person about."""

    model_config = ConfigDict(frozen=True)

    program: str
    state: str
    due_at: datetime
    look_at: datetime
    """When it is decided upon."""


class Reasons(BaseModel):
    """What the scheduler says of a person, newest first."""

    model_config = ConfigDict(frozen=True)

    decisions: tuple[Decision, ...]
    work: tuple[Planned, ...]

    @property
    def pending(self) -> tuple[Planned, ...]:
        """What is still to be decided, the nearest first."""
        waiting = (one for one in self.work if one.state == "pending")
        return tuple(sorted(waiting, key=lambda one: one.look_at))


class SchedulerApi:
    """Speaks to the scheduler with its operator's key."""

    def __init__(self, url: str, key: SecretStr) -> None:
        self._client = httpx2.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {key.get_secret_value()}"},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )

    def reasons(self, person: str) -> Reasons | None:
        """Why a person, by their key, was asked or not; None: the scheduler does not say."""
        try:
            answer = self._client.get("/v1/decisions", params={"person": person}).raise_for_status()
            return Reasons.model_validate_json(answer.content)
        except (httpx2.HTTPError, ValidationError) as error:
            log.warning("the scheduler does not tell its reasons", error=type(error).__name__)
            return None
