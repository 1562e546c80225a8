"""What colleagues put right in a classification, as the event that the classifier learns from. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.corrections import ClassificationCorrected, CorrectedField
from schemas.event import derived_id


@dataclass(frozen=True, slots=True)
class Read:
    """The answer that somebody read, at the revision that they saw."""

    response_id: UUID
    person_key: str
    revision: int


def correction(
    read: Read,
    field: CorrectedField,
    before: Sequence[str],
    after: Sequence[str],
    *,
    actor: str,
    now: datetime,
) -> ClassificationCorrected | None:
    """The event; None where nothing is different.

    The same correction by the same person of the same revision has one id, however often it is sent.
    """
    if set(before) == set(after):
        return None
    return ClassificationCorrected(
        correction_id=derived_id(read.response_id, actor, read.revision, field, *after),
        response_id=read.response_id,
        person_key=read.person_key,
        revision=read.revision,
        field=field,
        before=tuple(before),
        after=tuple(after),
        corrected_by=actor,
        corrected_at=now,
    )
