"""What commands read from the environment."""

from pydantic import Field, SecretStr

from runtime.settings import EnvironmentSettings


class DatabaseSettings(EnvironmentSettings):
    """What commands that use PostgreSQL need."""

    database_url: SecretStr
    """PostgreSQL as postgresql://user:password@host:port/database."""


class BrokerSettings(EnvironmentSettings):
    """What commands that use Kafka need."""

    kafka_bootstrap_servers: str = Field(pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")
    """Kafka's brokers as host:port, several separated by commas."""
    kafka_replication_factor: int = Field(default=-1, ge=-1, le=16)
    """Copies of each partition of a new topic; -1 leaves it to the broker's default."""
