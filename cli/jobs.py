"""The jobs that run once before the services start: tables and topics."""

import pkgutil
from pathlib import Path

import psycopg
from kafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

import services
from cli.settings import BrokerSettings, DatabaseSettings
from cli.terminal import console, end
from runtime.migrations import migrate as migrate_service
from runtime.settings import load
from runtime.topics import TopicSpec, ensure_topics
from schemas.topics import EVERY_TOPIC


def migrate() -> None:
    """Brings every service's tables to their newest revision; ends with code 1 when PostgreSQL refuses."""
    url = load(DatabaseSettings).database_url.get_secret_value()
    for service in services_with_tables():
        try:
            revision = migrate_service(url, service)
        except (SQLAlchemyError, psycopg.Error) as error:
            reason = type(getattr(error, "orig", None) or error).__name__
            end(
                f"{service}: the tables could not be brought up to date ({reason}).\n"
                "Is DATABASE_URL right, is PostgreSQL up, and may its user create schemas?"
            )
        console.print(f"{service}: tables are at revision {revision}")


def topics() -> None:
    """Creates the topics that are missing and sets what differs; ends with code 1 without a broker."""
    settings = load(BrokerSettings)
    try:
        changes = ensure_topics(
            settings.kafka_bootstrap_servers, topic_specs(replication=settings.kafka_replication_factor)
        )
    except KafkaError as error:
        end(
            f"The topics could not be made ({type(error).__name__}).\n"
            f"Does Kafka answer at {settings.kafka_bootstrap_servers}?"
        )
    for change in filter(None, changes):
        console.print(str(change))
    console.print(f"{len(changes)} topics are as specified")


def services_with_tables() -> list[str]:
    """Names of the services that have migrations."""
    return [
        package.name
        for package in pkgutil.iter_modules(services.__path__)
        if any(
            (Path(folder) / package.name / "migrations" / "versions").is_dir() for folder in services.__path__
        )
    ]


def topic_specs(*, replication: int) -> list[TopicSpec]:
    """Every topic of the product with its dead-letter topic."""
    return [
        TopicSpec(name, topic.partitions, settings, replication)
        for topic in EVERY_TOPIC
        for name, settings in (
            (topic.name, topic.settings()),
            (topic.dead_letters, topic.dead_letter_settings()),
        )
    ]
