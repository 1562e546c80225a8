"""`feedback reclassify`: the archive's answers as they would be classified now, for all who read them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import typer
from pydantic import AwareDatetime, BaseModel, ValidationError

from cli.archived import event_of
from cli.progress import progress_bar
from cli.readers import reader_of
from cli.republish import BATCH, producing
from cli.settings import BrokerSettings
from cli.tables import tables_of
from cli.terminal import console, errors
from runtime import cloudevents, tracing
from runtime.messages import Message
from runtime.settings import load
from schemas.classified import ResponseClassified
from schemas.event import Effects
from schemas.topics import REPLAYS
from services.classifier.app import SOURCE, classify_all
from services.classifier.loading import Places
from services.classifier.reader import Reads
from services.ingest import archive

INTO = tuple(topic.name for topic in REPLAYS if ResponseClassified in topic.events)
"""The replay topics of everybody who reads classified answers."""


class Progress(BaseModel):
    """How far a run has come; another one with the same question goes on from there."""

    version: int
    since: AwareDatetime
    only: list[str]
    effects: Effects
    recorded_at: AwareDatetime | None = None
    partition: int = 0
    offset: int = 0

    @property
    def place(self) -> archive.Place | None:
        """After which to go on."""
        return (
            None if self.recorded_at is None else archive.Place(self.recorded_at, self.partition, self.offset)
        )

    def asks_the_same(self, other: "Progress") -> bool:
        """Whether the other goes on with this; a span such as 90d counts from each run's own now."""
        return (self.version, self.only, self.effects) == (other.version, other.only, other.effects) and (
            self.since <= other.since
        )


def reclassify(places: Places, since: datetime, *, only: Sequence[str], effects: Effects) -> None:
    """Sends each answer that is classified by an older version, as it is classified now; says how many.

    Ends with code 1 where the themes or the model cannot be used, or without a broker.
    """
    reader = reader_of(places)
    _known(reader, only)
    asked = Progress(version=reader.version, since=since, only=sorted(only), effects=effects)
    kept = places.models / "reclassify.json"
    progress = _begun(kept, asked)
    choice = archive.Choice(
        ResponseClassified.TOPIC, [ResponseClassified.TYPE], progress.since, after=progress.place
    )
    brokers, sent = load(BrokerSettings).kafka_bootstrap_servers, 0
    with tables_of("ingest", read_only=True) as connection, producing(brokers) as send:
        records = archive.read_places(connection, choice)
        with progress_bar(errors) as bar:
            task = bar.add_task(
                f"classification version {reader.version}", total=archive.count(connection, choice)
            )
            while batch := list(islice(records, BATCH)):
                messages = list(reclassified([message for _, message in batch], reader, only, effects))
                send(messages)
                sent += len(messages) // len(INTO)
                _keep(kept, progress, batch[-1][0])
                bar.advance(task, len(batch))
    kept.unlink(missing_ok=True)
    console.print(
        f"{sent} answers are on {' and '.join(INTO)} under version {reader.version}, with effects: {effects}"
    )


def reclassified(
    records: Sequence[Message], reader: Reads, only: Sequence[str], effects: Effects
) -> Iterator[Message]:
    """For each classified answer of an older version the messages that replace it."""
    older = [
        one
        for one in (event_of(record, ResponseClassified) for record in records)
        if one and one.classification_version < reader.version
    ]
    responses = [one.response.model_copy(update={"effects": effects}) for one in older]
    for before, after in zip(older, classify_all(responses, reader), strict=True):
        spoken_of = {tag.theme for tag in (*before.themes, *after.themes)}
        if only and spoken_of.isdisjoint(only):
            continue
        message = cloudevents.to_message(after, source=SOURCE, traceparent=tracing.new_traceparent())
        for topic in INTO:
            yield replace(message, topic=topic)


def _known(reader: Reads, only: Sequence[str]) -> None:
    known = {theme.id for theme in reader.taxonomy.themes}
    if not known.issuperset(only):
        raise typer.BadParameter(f"expected themes out of {', '.join(sorted(known))}, not {', '.join(only)}")


def _begun(path: Path, asked: Progress) -> Progress:
    try:
        kept = Progress.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return asked
    return kept if kept.asks_the_same(asked) else asked


def _keep(path: Path, progress: Progress, place: archive.Place) -> None:
    reached = progress.model_copy(update=place._asdict())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reached.model_dump_json(), encoding="utf-8")
