"""The settings of insights."""

from zoneinfo import ZoneInfo, available_timezones

from pydantic import field_validator

from runtime.settings import EnvironmentSettings, Port, Secret, ServiceSettings
from services.insights.web.settings import PageSettings


class ReportingSettings(EnvironmentSettings):
    """By whose days answers are counted."""

    reporting_time_zone: str = "UTC"
    """IANA name, such as Europe/Berlin, of the zone whose days answers are counted by."""

    @field_validator("reporting_time_zone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("it names no time zone")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The time zone whose days answers are counted by."""
        return ZoneInfo(self.reporting_time_zone)


class InsightsSettings(ReportingSettings, ServiceSettings, PageSettings):
    """Read from the environment and from secret files."""

    insights_api_key: Secret | None = None
    """At least 32 random characters, the bearer token of /v1/metrics; unset: nobody is told anything."""
    ops_port: Port = 8004
    """The port that health, metrics, the API and the pages are served on, 1 to 65535."""
