"""Sorts out a batch of events: the newest that is said of each thing. Pure."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from schemas.corrections import ClassificationCorrected, CorrectedField
from schemas.profiles import ProfileChanged


@dataclass(frozen=True, slots=True)
class Erased:
    """Somebody is to be forgotten: what was received up to then is gone."""

    person_key: str
    erased_at: datetime


Published = ResponseClassified | ClassificationCorrected | ProfileChanged | AccountChanged
Said = Published | Erased
K = TypeVar("K", bound=Hashable)
E = TypeVar("E")


@dataclass(slots=True)
class Batch:
    """What a batch of events comes down to: each thing once, so that no row is written twice."""

    answers: dict[UUID, ResponseClassified] = field(default_factory=dict)
    corrections: dict[tuple[UUID, CorrectedField], ClassificationCorrected] = field(default_factory=dict)
    profiles: dict[str, ProfileChanged] = field(default_factory=dict)
    accounts: dict[str, AccountChanged] = field(default_factory=dict)
    erased: dict[str, Erased] = field(default_factory=dict)
    merges: dict[str, str] = field(default_factory=dict)
    """Keys that were folded into another, with that one."""

    def people(self) -> set[str]:
        """Every key the batch names."""
        keys = {answer.response.person_key for answer in self.answers.values()}
        keys.update(correction.person_key for correction in self.corrections.values())
        return keys.union(self.profiles, self.erased, self.merges, self.merges.values())


def sort_out(said: Iterable[Said]) -> Batch:
    """The newest of each thing. A profile counts unless its person is forgotten after it."""
    batch = Batch()
    for event in said:
        match event:
            case ResponseClassified():
                _keep(batch.answers, event.response.response_id, event, ResponseClassified.order_key)
            case ClassificationCorrected():
                _keep(batch.corrections, (event.response_id, event.field), event, _when_corrected)
            case ProfileChanged():
                _keep(batch.profiles, event.person_key, event, lambda one: one.version)
                batch.merges.update(dict.fromkeys(event.merged_from, event.person_key))
                if event.merged_into is not None:
                    batch.merges[event.person_key] = event.merged_into
            case AccountChanged():
                _keep(batch.accounts, event.account_id, event, lambda one: one.version)
            case Erased():
                batch.profiles.pop(event.person_key, None)
                _keep(batch.erased, event.person_key, event, lambda one: one.erased_at)
    return batch


def _keep(kept: dict[K, E], key: K, event: E, newness: Callable[[E], Any]) -> None:
    if key not in kept or newness(kept[key]) < newness(event):
        kept[key] = event


def _when_corrected(event: ClassificationCorrected) -> tuple[datetime, UUID]:
    return event.corrected_at, event.correction_id
