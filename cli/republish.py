"""`feedback republish`: feeds one consumer again from the archive, through a topic of its own."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import islice

import typer
from kafka import KafkaProducer
from kafka.errors import KafkaError

from cli.progress import progress_bar
from cli.settings import BrokerSettings
from cli.tables import tables_of
from cli.terminal import console, end, errors
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Message
from runtime.settings import load
from schemas.event import Effects
from schemas.topics import REPLAYED, Topic
from services.ingest import archive, store

BATCH = 500


def republish(
    topic: str,
    *,
    consumer: str,
    since: datetime,
    effects: Effects,
    person: str | None = None,
    key: str | None = None,
) -> None:
    """Sends what the archive holds of a topic to the consumer's replay topic and says how much it was.

    Of one person with all their keys, or of one `key`; of all where neither is given.
    Ends with code 2 for a consumer that does not read the topic again, with code 1 without a broker.
    """
    types = readable(topic, consumer)
    into = REPLAYED[consumer].name
    brokers = load(BrokerSettings).kafka_bootstrap_servers
    with tables_of("ingest", read_only=True) as connection, producing(brokers) as send:
        whose = store.keys_of(connection, person) if person else [key] if key else []
        keys = [each.encode() for each in whose]
        choice = archive.Choice(topic, types, since, keys or None)
        total = archive.count(connection, choice)
        messages = (addressed(message, into, effects) for message in archive.read(connection, choice))
        with progress_bar(errors) as progress:
            task = progress.add_task(f"{topic} to {into}", total=total)
            for batch in iter(lambda: list(islice(messages, BATCH)), []):
                send(batch)
                progress.advance(task, len(batch))
    console.print(f"{total} records of {topic} are on {into}, with effects: {effects}")


def readable(topic: str, consumer: str) -> list[str]:
    """The types of events on a topic that a consumer reads again. Raises typer.BadParameter without any."""
    replay = REPLAYED.get(consumer)
    if replay is None:
        raise typer.BadParameter(f"expected one of {', '.join(REPLAYED)}, not {consumer!r}")
    types = [event.TYPE for event in replay.events if topic == event.TOPIC]
    if not types:
        raise typer.BadParameter(f"{consumer} reads again {', '.join(_topics_of(replay))}, not {topic!r}")
    return types


def addressed(message: Message, topic: str, effects: Effects) -> Message:
    """The record for another topic. Answers, alone or classified, say what they may cause."""
    value = json.loads(message.value or b"{}")
    answer = value.get("response", value)
    if "effects" not in answer or answer["effects"] == effects:
        return replace(message, topic=topic)
    answer["effects"] = effects
    return replace(message, topic=topic, value=json.dumps(value, ensure_ascii=False).encode())


def _topics_of(replay: Topic) -> list[str]:
    return sorted({event.TOPIC for event in replay.events})


@contextmanager
def producing(brokers: str) -> Iterator[Callable[[Sequence[Message]], None]]:
    """A call that returns when the broker has all it was given."""
    to: KafkaProducer | None = None
    try:
        to = producer(KafkaSettings(brokers, "feedback"))
        yield lambda messages: _deliver(to, messages)
    except KafkaError as error:
        end(f"Kafka did not take it all ({type(error).__name__}). It can be repeated.")
    finally:
        if to is not None:
            close(to)


def _deliver(to: KafkaProducer, messages: Sequence[Message]) -> None:
    failed = next((error for error in deliver(to, messages) if error is not None), None)
    if failed is not None:
        raise failed
