"""Runs pytest on Kafka and PostgreSQL in Docker: `python -m tests.containers tests/integration`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import pytest
from docker.errors import DockerException
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from sandbox.kafka_jars import KAFKA_VERSION
from sandbox.processes import free_port

KAFKA_IMAGE = os.environ.get("KAFKA_IMAGE", f"apache/kafka:{KAFKA_VERSION}")
POSTGRES_IMAGE = os.environ.get("POSTGRES_IMAGE", "postgres:18")


@contextmanager
def kafka() -> Iterator[str]:
    """Run one broker; yields its bootstrap servers."""
    port = free_port()  # known before the start: the broker tells clients where to find it
    broker = DockerContainer(KAFKA_IMAGE).with_envs(
        KAFKA_NODE_ID="1",
        KAFKA_PROCESS_ROLES="broker,controller",
        KAFKA_LISTENERS="PLAINTEXT://:9092,CONTROLLER://:9093",
        KAFKA_ADVERTISED_LISTENERS=f"PLAINTEXT://127.0.0.1:{port}",
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
        KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
        KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
    )
    broker.with_bind_ports(9092, port)
    # The image writes its settings here as its own user, whatever modes it was built with.
    broker.with_tmpfs_mount("/opt/kafka/config", "uid=1000,gid=1000")
    with broker.waiting_for(LogMessageWaitStrategy("Kafka Server started")):
        yield f"127.0.0.1:{port}"


@contextmanager
def postgres() -> Iterator[str]:
    """Run one PostgreSQL server; yields its URL."""
    server = PostgresContainer(POSTGRES_IMAGE, driver=None).with_command("-c max_connections=200")
    with server:
        yield server.get_connection_url()


def main(arguments: list[str]) -> int:
    """Run pytest; the exit status is its own, or 2 when Docker does not answer."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        sys.stderr.write(f"Docker does not answer ({error}); without it, run `make test`\n")
        return 2
    testcontainers_config.ryuk_disabled = not _has(client, testcontainers_config.ryuk_image)
    with kafka() as bootstrap_servers, postgres() as url:
        os.environ |= {"KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers, "DATABASE_URL": url}
        return pytest.main(arguments)


def _has(client: docker.DockerClient, image: str) -> bool:
    """Whether the image of the container that removes the others after a crash is here or can be pulled."""
    try:
        client.images.get(image)
    except DockerException:
        try:
            client.images.pull(image)
        except DockerException:
            return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
