"""The classifier's settings."""

from typing import Annotated

from pydantic import Field

from runtime.settings import Port, StatelessSettings


class ClassifierSettings(StatelessSettings):
    """Settings of `python -m services.classifier`."""

    ops_port: Port = 8001
    """The port that health and metrics are served on, 1 to 65535."""
    stalled_seconds: Annotated[float, Field(gt=0)] = 60
    """Seconds without progress on waiting records after which the process ends to be started afresh."""
