"""The settings that destinations with an address of their own share."""

from pydantic import Field, ValidationInfo, field_validator

from runtime.settings import EnvironmentSettings, LowerListed
from services.router.destination import Limits
from services.router.outbound import Outbound
from services.router.outbound_address import target_of


class OutboundSettings(EnvironmentSettings):
    """Where a destination is called, and how hard it may be pressed."""

    allow_private_hosts: LowerListed = ()
    """Hosts that may be in a private network and without TLS, exactly as in the URL."""
    url: str | None = None
    """Its address, https:// and a public host; unset: it is off."""
    calls_per_second: float = Field(20.0, gt=0)
    """Calls a second."""
    parallel_calls: int = Field(4, ge=1, le=64)
    """Calls in flight at once."""
    deadline_seconds: float = Field(10.0, ge=1, le=60)
    """Hard limit of one call."""

    @field_validator("url")
    @classmethod
    def _may_be_called(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is not None:
            target_of(url, info.data.get("allow_private_hosts", ()))
        return url

    @property
    def limits(self) -> Limits:
        """As the ledger takes them."""
        return Limits(
            calls_per_second=self.calls_per_second,
            parallel_calls=self.parallel_calls,
            deadline_seconds=self.deadline_seconds,
        )

    def connection(self) -> Outbound:
        """A client for this destination."""
        return Outbound(private_hosts=self.allow_private_hosts, connections=self.parallel_calls)
