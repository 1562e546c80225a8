"""Comments for `feedback themes`: those of a file, or what the archive holds."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from cli.archived import E, event_of
from cli.tables import tables_of
from runtime.json_lines import load_json_lines
from schemas.classified import ResponseClassified
from schemas.corrections import ClassificationCorrected
from schemas.responses import ResponseStatus
from services.classifier.reader import Comment
from services.ingest import archive

if TYPE_CHECKING:
    from uuid import UUID


class _Row(BaseModel):
    text: str
    language: str | None = None


def comments(file: Path | None, since: datetime) -> list[Comment]:
    """Those of the file, else those of the archive since then; raises ConfigError with a line each."""
    if file is not None:
        return [Comment(row.text, row.language) for row in load_json_lines(file, _Row)]
    return [
        Comment(answer.response.comment, answer.response.language)
        for answer in answers(since)
        if answer.response.comment
    ]


def answers(since: datetime) -> list[ResponseClassified]:
    """Each answer since then as it was classified last; without retracted ones and trials."""
    latest: dict[UUID, ResponseClassified] = {}
    for found in _archived(ResponseClassified, since):
        before = latest.get(found.response.response_id)
        if before is None or found.order_key() > before.order_key():
            latest[found.response.response_id] = found
    return [
        one
        for one in latest.values()
        if one.response.status is ResponseStatus.ANSWERED and not one.response.test
    ]


def corrections(since: datetime) -> list[ClassificationCorrected]:
    """What people put right since then."""
    return list(_archived(ClassificationCorrected, since))


def _archived(event: type[E], since: datetime) -> Iterator[E]:
    choice = archive.Choice(event.TOPIC, [event.TYPE], since)
    with tables_of("ingest", read_only=True) as connection:
        for message in archive.read(connection, choice):
            found = event_of(message, event)
            if found is not None:
                yield found
