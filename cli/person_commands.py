"""`feedback person …`: what is kept of one person, and its end."""

import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from kafka.errors import KafkaError
from pydantic import SecretStr
from rich.table import Table

from cli.progress import progress_bar
from cli.settings import BrokerSettings
from cli.tables import tables_of
from cli.terminal import console, end, errors
from cli.topic_reading import records_of
from runtime.cloudevents import Undecodable
from runtime.settings import EnvironmentSettings, load
from schemas.erasures import ErasureRequested
from schemas.topics import ABOUT_PEOPLE, TOPICS
from services.ingest import archive, erasures, store
from services.ingest.identity import person_key

person = typer.Typer(help="What is kept of one person, and its end.", no_args_is_help=True)


WAIT_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.5
_READERS = frozenset({"ingest", "router", "scheduler", "insights"})

CustomerId = Annotated[str | None, typer.Option("--customer-id", help="Your own id of the person.")]
Email = Annotated[str | None, typer.Option(help="Their e-mail address.")]
Key = Annotated[str | None, typer.Option("--key", help="Their person key.")]


class PersonSettings(EnvironmentSettings):
    """What turns an identifier into a person's key."""

    person_key_secret: SecretStr
    """The same as ingest's."""


@person.command()
def export(customer_id: CustomerId = None, email: Email = None, key: Key = None) -> None:
    """Print everything that is kept of a person, as JSON: the profile and each archived event."""
    whose = _key(customer_id, email, key)
    with tables_of("ingest", read_only=True) as connection:
        keys = store.keys_of(connection, whose)
        events: list[dict[str, Any]] = []
        for topic in TOPICS:
            choice = archive.Choice(
                topic.name,
                [event.TYPE for event in topic.events],
                datetime.min.replace(tzinfo=UTC),
                [one.encode() for one in keys],
            )
            events += [
                {"topic": topic.name, "event": json.loads(message.value or b"null")}
                for message in archive.read(connection, choice)
            ]
        profile = store.known_profile(connection, whose)
    if profile is None and not events:
        errors.print("Nothing is kept under this id or address. Is it spelled as it was sent?")
    kept = {"keys": keys, "profile": profile and profile.model_dump(mode="json"), "events": events}
    typer.echo(json.dumps(kept, indent=2, ensure_ascii=False))


@person.command()
def erase(
    customer_id: CustomerId = None,
    email: Email = None,
    key: Key = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a person everywhere, for ever, and print the receipt. An import does not bring them back."""
    whose = _key(customer_id, email, key)
    if not yes:
        with tables_of("ingest", read_only=True) as connection:
            if store.known_profile(connection, whose) is None:
                errors.print("No profile is kept under this id or address. Is it spelled as it was sent?")
        typer.confirm(f"Erase everything about the person {whose}? It cannot be undone.", abort=True)
    with tables_of("ingest") as connection:
        asked = erasures.request(connection, whose, datetime.now(UTC))
    console.print(f"Erasure {asked.erasure_id} is asked for")
    with progress_bar(errors) as progress:
        task = progress.add_task("services", total=len(_READERS))
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            with tables_of("ingest", read_only=True) as connection:
                found = erasures.receipt(connection, asked.erasure_id)
            answered = _READERS & (found.removed.keys() if found else set())
            progress.update(task, completed=len(answered))
            if answered == _READERS:
                break
            time.sleep(_LOOK_EVERY_SECONDS)
    receipt(asked.erasure_id)


@person.command()
def receipt(erasure_id: Annotated[UUID, typer.Argument(metavar="ID")]) -> None:
    """Print what each service removed, and when each topic and its dead letters have run out.

    Ends with code 1 while a service has not answered.
    """
    with tables_of("ingest", read_only=True) as connection:
        found = erasures.receipt(connection, erasure_id)
    if found is None:
        end("No erasure has this id.")
    table = Table("service", "records", "kind", box=None, pad_edge=False)
    for service in sorted(_READERS | found.removed.keys()):
        removed = found.removed.get(service)
        if removed is None:
            table.add_row(service, "", "has not answered yet")
            continue
        for kind, count in removed.items() or [("nothing was kept", 0)]:
            table.add_row(service, str(count), kind)
    console.print(table)
    asked_at = found.request.requested_at
    console.print(f"Asked for {asked_at:%Y-%m-%d %H:%M} UTC. Kafka forgets by itself, each topic by a day:")
    console.print(_run_out(asked_at))
    if not found.removed.keys() >= _READERS:
        raise typer.Exit(1)


@person.command()
def reapply() -> None:
    """Ask again for every erasure: after a backup was restored, of whichever service."""
    brokers = load(BrokerSettings).kafka_bootstrap_servers
    try:
        on_topic = _asked_on_the_topic(brokers)
    except KafkaError as error:
        end(
            f"Kafka does not answer ({type(error).__name__}). Nothing is asked for yet: its topic has the"
            " erasures that are newer than the backup."
        )
    with tables_of("ingest") as connection:
        count = erasures.again(connection, on_topic)
    console.print(f"{count} erasures are asked for again")


def _run_out(asked_at: datetime) -> Table:
    table = Table("topic", "is empty of them by", box=None, pad_edge=False)
    for topic in ABOUT_PEOPLE:
        table.add_row(topic.name, f"{asked_at + topic.ends_within:%Y-%m-%d}")
        table.add_row(topic.dead_letters, f"{asked_at + topic.dead_letters_end_within:%Y-%m-%d}")
    return table


def _asked_on_the_topic(brokers: str) -> list[ErasureRequested]:
    found: list[ErasureRequested] = []
    for record in records_of(brokers, ErasureRequested.TOPIC):
        try:
            event = erasures.read(record)
        except Undecodable as error:
            errors.print(f"Passed over: partition {record.partition}, offset {record.offset}: {error}")
            continue
        if isinstance(event, ErasureRequested):
            found.append(event)
    return found


def _key(customer_id: str | None, email: str | None, key: str | None) -> str:
    given = [one for one in (customer_id, email, key) if one]
    if len(given) != 1:
        raise typer.BadParameter("expected one of --customer-id, --email or --key")
    if key:
        return key
    secret = load(PersonSettings).person_key_secret.get_secret_value().encode()
    return person_key(secret, customer_id=customer_id, email=email) or ""
