"""The scheduler's settings."""

from pydantic import Field

from runtime.settings import Port, Secret, ServiceSettings
from services.scheduler.retention import LEAST_DAYS


class SchedulerSettings(ServiceSettings):
    """Read from the environment and from secret files."""

    ops_port: Port = 8003
    """The port that health, metrics and decisions are served on, 1 to 65535."""
    scheduler_operator_key: Secret | None = None
    """At least 32 random characters, the bearer token of /v1/decisions; unset: nobody is told anything."""
    schedule_batch_size: int = Field(default=1_000, ge=1, le=10_000)
    """How much due work is decided in one transaction at most, 1 to 10000."""
    schedule_poll_seconds: float = Field(default=0.5, gt=0, le=60)
    """Seconds between two looks for due work when nothing was due, up to 60."""
    schedule_history_days: int = Field(default=730, ge=LEAST_DAYS)
    """Days that decisions with their reasons, and work that is done, are kept; at least 455."""
